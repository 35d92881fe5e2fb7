"""Reference ids for src/tokenizer: one tokenizer a family, more than a thousand strings each, as Python `tokenizers` encodes and decodes them.

    python tools/reference/tokenizer_parity.py [--gpt2-merges PATH_TO_vocab.bpe] [--mistral-model PATH_TO_tokenizer.model.v1] [--show FAMILY INDEX]

Real vocabularies where they may be passed on (GPT-2: MIT, Mistral 7B v0.1: Apache 2.0), otherwise small ones of the same build, trained here on the sentences below.
Writes src/testing/reference/tokenizer-parity/: strings.json.gz (all families share them) and FAMILY.json.gz with the tokenizer and, per
string, a short hash of the ids and of both decoded texts: a difference names its string, and --show prints what Python says to it.
"""
import argparse
import gzip
import hashlib
import io
import json
import pathlib
import random
import sys

sys.path = [entry for entry in sys.path if pathlib.Path(entry or ".").resolve() != pathlib.Path(__file__).resolve().parent]
import sentencepiece  # noqa: E402
import tokenizers  # noqa: E402
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "src" / "testing" / "reference" / "tokenizer-parity"
VERSIONS = {"tokenizers": tokenizers.__version__, "sentencepiece": sentencepiece.__version__}

SENTENCES = [
    "The tea is ready when the water has boiled for a while, and then it wants to rest.",
    "How do I learn to sing? Practise every day, listen to others, and don't worry.",
    "It's fine, they're here, we've eaten and I'd say you'll like it; she's sure that we're late.",
    "A list: one, two, three; 10 20 300 4000 50000 123456 in 2024, at 7:30, for 3.50 or 1,000.",
    "El ni\u00f1o comi\u00f3 una manzana y despu\u00e9s bebi\u00f3 agua. \u00bfQu\u00e9 m\u00e1s quieres?",
    "\u00c7a va tr\u00e8s bien, merci ! L'\u00e9t\u00e9 est d\u00e9j\u00e0 l\u00e0, o\u00f9 vas-tu ?",
    "Die Stra\u00dfe ist na\u00df, \u00fcber den D\u00e4chern h\u00f6rt man die V\u00f6gel.",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430? \u0421\u0435\u0433\u043e\u0434\u043d\u044f \u0445\u043e\u0440\u043e\u0448\u0430\u044f \u043f\u043e\u0433\u043e\u0434\u0430.",
    "\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1, \u03c4\u03b9 \u03ba\u03ac\u03bd\u03b5\u03b9\u03c2 \u03c3\u03ae\u03bc\u03b5\u03c1\u03b1;",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff0c\u6211\u4eec\u53bb\u516c\u56ed\u5427\u3002",
    "\u3053\u3093\u306b\u3061\u306f\u4e16\u754c\u3002\u304a\u8336\u3092\u98f2\u307f\u307e\u3059\u304b\u3002\u30b3\u30fc\u30d2\u30fc\u3067\u3059\u3002",
    "\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4. \uc624\ub298 \ub0a0\uc528\uac00 \uc88b\uc2b5\ub2c8\ub2e4.",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd, \u05de\u05d4 \u05e0\u05e9\u05de\u05e2?", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645\u060c \u0643\u064a\u0641 \u062d\u0627\u0644\u0643\u061f",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e, \u0906\u092a \u0915\u0948\u0938\u0947 \u0939\u0948\u0902?", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01",
    "def f(x):\n    return x + 1\n\n\tprint(f(2))\n", "if x:\n  if y:\n    a = 1\n        b = 2\nelse:\n    pass\n",
    "const add = (a, b) => { return a + b; };\n// a comment\nfor (let i = 0; i < 10; i++) {\n  total += i;\n}\n",
    "<html>\n<table><tr><td>cell</td></tr></table>\n</html>", "https://example.org/a?b=c&d=%20#e and mail@example.org",
    "snake_case camelCase SCREAMING_CASE kebab-case x86_64 v1.2.3", "!!! ??? ... ,,, ;;; --- ___ *** ((( ))) [[[ ]]] {{{ }}}",
    "\U0001F600 \U0001F44D\U0001F3FD \U0001F468\u200d\U0001F469\u200d\U0001F467 \U0001F1E9\U0001F1EA \u2764\ufe0f",
]

SPACES = [" ", "  ", "   ", "      ", "\t", "\t\t", "\n", "\n\n", "\n\n\n", "\r\n", "\r", " \n", "\n ", "  \n  ", "\u00a0", "\u2009", "\u3000", "\u0085", "\u2028", "\u2029", "\ufeff", "\u200b", "\u000b", "\u000c", "\u180e", "\u1680"]
WORDS = ["the", "The", "tea", "water", "don't", "DON'T", "Don'T", "it's", "IT'S", "we'Ve", "I'D", "you'll", "YOU'LL", "'tis", "rock'n'roll", "she\u2019s", "x'S", "'re", "''ll", "'", "na\u00efve", "nai\u0308ve", "\u00e9", "e\u0301", "a\u0308\u0323\u0327",
         "Stra\u00dfe", "\u1e9e", "\ufb01ne", "\u212b", "\u2126", "\u0130I\u0131i", "\u0416\u0443\u043a", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u4f60\u597d", "\u4e16\u754c", "\u3053\u3093\u306b\u3061\u306f", "\u30ab\u3099", "\u30ac", "\uff76\uff9e", "\ud55c\uad6d\uc5b4", "\u1112\u1161\u11ab", "\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627",
         "\u0928\u092e\u0938\u094d\u0924\u0947", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u1200", "\u13a0", "\U00020000", "\U0002A6D6", "\U0001F600", "\U0001F44D\U0001F3FD", "\U0001F468\u200d\U0001F469\u200d\U0001F467\u200d\U0001F466", "\U0001F1E9\U0001F1EA", "\u2764\ufe0f", "1\ufe0f\u20e3", "\U0001F3F4\U000E0067\U000E0062\U000E007F",
         "0", "7", "10", "200", "3000", "12345", "123456789012345", "3.14", "1,000", "-5", "\u0661\u0662\u0663", "\u00b2", "\u00bd", "\u2167", "\u4e00\u4e8c", "\uff11\uff12", "\U0001D7D8", "\u0bf0", "x86_64", "v1.2.3", "0x1F", "1e-5",
         ".", ",", "!", "?", "...", "!!!", "?!", "--", "\u2014", "\u2026", "\u00ab\u00bb", "\u201cq\u201d", "\u3002", "\uff0c", "(", ")", "[]", "{}", "</", "/>", "&", "%20", "#", "@", "$", "$&", "$1", "^", "~", "`", "\\", "\\n", "|", "_", "__", "\u2581", "\u2581\u2581x", "\u0120", "\u010a", "\u00a9", "\u00ad", "\u20ac",
         "\x00", "\x01", "\x1f", "\x7f", "\x80", "\x9f", "\ufffd", "\ufffe", "\uffff", "\U0010FFFF", "\ue000", "\u202e", "\u2060", "\u034f", "\u0300", "\u20dd", "\u0903",
         "<0x41>", "<0xE4>", "<s>", "</s>", "<unk>", "<pad>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|eot_id|>", "<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>", "<table>", "</table>", "<|user|>", "<|end|>", "<|end", "s>", "[INST]", "[/INST]", "<|marker|>", "foo", "food", "xfoo",
         "__proto__", "constructor", "toString", "hasOwnProperty", "snake_case", "camelCase", "SCREAMING", "https://example.org/a?b=c", "mail@example.org"]
# Long ones are stored by their recipe: [unit, times, tail].
LONG = [["a", 10000, ""], [" ", 10000, "x"], ["ab ", 3400, ""], ["\u00e9", 10000, ""], ["\U0001F600", 2500, ""], ["\n", 10000, "y"], ["1", 10000, ""], ["\u4f60\u597d", 5000, ""], ["word", 2500, " end"], ["\u0300", 10000, ""],
        ["!?\t ", 2500, ""], ["<s>", 3400, ""], ["the tea is ready ", 600, ""], ["\r\n", 5000, "z"], ["x\u0085\ufeff", 3400, ""], ["'s", 5000, ""], ["\u2581", 10000, ""], ["\u05e9\u05dc", 5000, ""]]
FIRST = ["", " ", "  ", "\n", "\n\n\n", "\t\tindent", "Hello", " Hello", "  Hello", "Hello ", "Hello  ", "Hello  \n world", "a\r\nb\rc", "x   \ufeffy   \ufeff", "x   \u0085y   \u0085", "nel\u0085line\u2028para\u2029end", "bom\ufeffinside \ufeff", "\ufeffstart",
         "zero\u200bwidth\u200cand\u200djoin\u2060er", "nbsp\u00a0thin\u2009ideographic\u3000end", "<s>", "<s> x", " <s>x", "x <s> y", "<s></s>", "<|endoftext|><|endoftext|>", "a<|im_end|>\nb", "x  <|marker|>  y", "foo", " foo ", "food foo xfoo foo.", "(foo)", "\u00e9foo foo\u00e9"]


def make_strings(count=1300):
    rng = random.Random(20240726)
    out = list(FIRST) + list(WORDS) + [space + "x" for space in SPACES] + ["x" + space for space in SPACES] + [f"a{space}{space}b" for space in SPACES] + SENTENCES
    while len(out) < count - len(LONG):
        kind = rng.random()
        if kind < 0.5:
            parts = []
            for _ in range(rng.randint(1, 9)):
                parts.append(rng.choice(WORDS))
                parts.append(rng.choice(SPACES) if rng.random() < 0.75 else "")
            text = "".join(parts)
            if rng.random() < 0.3:
                text = rng.choice(SPACES) + text
        elif kind < 0.75:
            sentence = rng.choice(SENTENCES)
            begin = rng.randrange(len(sentence))
            text = sentence[begin:begin + rng.randint(1, 60)]
            if rng.random() < 0.3:
                text = "".join(c.upper() if rng.random() < 0.5 else c for c in text)
        elif kind < 0.9:
            blocks = [(0x20, 0x7F), (0, 0x20), (0x80, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0xA00), (0xE00, 0xE80), (0x1100, 0x1200), (0x2000, 0x2070), (0x2100, 0x2200), (0x3040, 0x3100), (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xFB00, 0xFB50), (0xFF00, 0xFFF0), (0x1F300, 0x1F650), (0x20000, 0x20100)]
            # Only characters assigned in old versions of Unicode: newer ones depend on the tables of the browser.
            text = "".join(chr(rng.randrange(*rng.choice(blocks))) for _ in range(rng.randint(1, 24)))
            text = "".join(c for c in text if is_old(c))
        else:
            text = "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 14))) + rng.choice(["", " ", ".", "\u00b2", "px", "\u0663"]) + "".join(rng.choice(" \n\t\r") for _ in range(rng.randint(0, 7))) + rng.choice(["", "x", "'s", "7"])
        out.append(text)
    return list(dict.fromkeys(out))


def is_old(character):
    import unicodedata
    return unicodedata.ucd_3_2_0.category(character) != "Cn" and unicodedata.ucd_3_2_0.category(character) == unicodedata.category(character)


def corpus():
    rng = random.Random(7)
    lines = SENTENCES * 6
    for _ in range(400):
        words = " ".join(rng.choice(SENTENCES) for _ in range(2)).split(" ")
        rng.shuffle(words)
        lines.append(" ".join(words[:12]))
    return lines


SPECIAL = {"unk": "<unk>", "bos": "<s>", "eos": "</s>"}


def train_byte_level(pre_tokenizer, normalizer=None, vocab_size=900, special=(), ignore_merges=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, min_frequency=2, show_progress=False, special_tokens=[], initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.add_special_tokens(list(special))
    return tokenizer


def train_sentencepiece(vocab_size, user_defined=(), add_dummy_prefix=True):
    """A SentencePiece BPE model as Llama 2 and Gemma have it, written out as vocabulary and merges."""
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=file, vocab_size=vocab_size, model_type="bpe", byte_fallback=True, character_coverage=0.98, hard_vocab_limit=False,
        normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=add_dummy_prefix, allow_whitespace_only_pieces=True, split_digits=True,
        user_defined_symbols=list(user_defined), minloglevel=2, num_threads=1)
    processor = sentencepiece.SentencePieceProcessor(model_proto=file.getvalue())
    pieces = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
    return {piece: i for i, piece in enumerate(pieces)}, merges_of(pieces), processor


def merges_of(pieces):
    """SentencePiece merges the pair that makes the best piece; a list of merges says the same: by the id of what they make, then by their parts."""
    ids = {piece: i for i, piece in enumerate(pieces)}
    merges = []
    for piece in pieces:
        ways = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece)) if piece[:cut] in ids and piece[cut:] in ids]
        merges.extend(sorted(ways, key=lambda way: (ids[way[0]], ids[way[1]])))
    return [merge for merge in merges if not any(part.startswith("<0x") for part in merge)]


def sentencepiece_bpe(vocab, merges):
    return Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))


def llama_decoder():
    return decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])


def plain(*contents):
    return [AddedToken(content, special=True, normalized=False) for content in contents]


LLAMA3_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def split_then_bytes(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated", False), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def byte_alphabet():
    """GPT-2's characters for the 256 bytes, in the order of its vocabulary."""
    printable = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    rest = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(rest))]


def gpt2(merges_text):
    merges = [tuple(line.split(" ")) for line in merges_text.split("\n")[1:] if line]
    tokens = byte_alphabet() + ["".join(merge) for merge in merges] + ["<|endoftext|>"]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=True)])
    assert tokenizer.get_vocab_size() == 50257 and tokenizer.encode("Hello world").ids == [15496, 995]
    return tokenizer


def mistral_v1(pieces):
    """Mistral 7B v0.1 (32 000 pieces), with the steps of its tokenizer.json."""
    vocab = {piece: i for i, piece in enumerate(pieces)}
    # Runs of spaces were added by hand and have the least score of all; for the others the order of ids is that of scores.
    is_run = {piece: len(piece) > 1 and set(piece) == {"\u2581"} for piece in pieces}
    merges = sorted(merges_of(pieces), key=lambda pair: (is_run[pair[0] + pair[1]], 0 if is_run[pair[0] + pair[1]] else vocab[pair[0] + pair[1]], -len(pair[0]), -len(pair[1])))
    tokenizer = sentencepiece_bpe(vocab, merges)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = llama_decoder()
    tokenizer.add_special_tokens(plain("<unk>", "<s>", "</s>"))
    return tokenizer


def build(families):
    made = {}
    if "llama2" in families or "mistral" in families or "metaspace-split" in families:
        vocab, merges, processor = train_sentencepiece(1000)
        llama2 = sentencepiece_bpe(vocab, merges)
        llama2.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
        llama2.decoder = llama_decoder()
        llama2.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", vocab["<s>"])])
        llama2.add_special_tokens(plain("<unk>", "<s>", "</s>"))
        made["llama2"] = llama2
        for text in SENTENCES:  # the written-out merges do what SentencePiece does
            assert llama2.encode(text, add_special_tokens=False).ids == processor.encode(text), text
        mistral = sentencepiece_bpe(vocab, merges)
        mistral.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        mistral.decoder = llama_decoder()
        mistral.add_special_tokens(plain("<unk>", "<s>", "</s>", "[INST]", "[/INST]"))
        made["mistral"] = mistral
        metaspace = sentencepiece_bpe(vocab, merges)
        metaspace.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
        metaspace.decoder = decoders.Metaspace(prepend_scheme="always", split=True)
        metaspace.add_special_tokens(plain("<unk>", "<s>", "</s>"))
        made["metaspace-split"] = metaspace
    runs = ["\n" * n for n in range(2, 12)] + ["\u2581" * n for n in range(2, 16)]
    tags = ["<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<h1>", "</h1>", "<ul>", "<li>", "<b>", "</b>"]
    vocab, merges, _ = train_sentencepiece(1000, add_dummy_prefix=False)
    for extra in ["<pad>", "<eos>", "<bos>", "<mask>", "<start_of_turn>", "<end_of_turn>", *[f"<unused{i}>" for i in range(30)], *runs, *tags]:
        vocab.setdefault(extra, len(vocab))
    gemma = sentencepiece_bpe(vocab, merges)
    gemma.normalizer = normalizers.Replace(" ", "\u2581")
    gemma.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous", False)
    gemma.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    gemma.add_special_tokens(plain("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"))
    gemma.add_tokens([AddedToken(token, normalized=False) for token in ["<mask>", *[f"<unused{i}>" for i in range(30)], *runs, *tags]])
    made["gemma"] = gemma
    made["llama3"] = train_byte_level(split_then_bytes(LLAMA3_PATTERN), ignore_merges=True, special=plain("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"))
    made["qwen2"] = train_byte_level(split_then_bytes(QWEN2_PATTERN), normalizers.NFC(), special=plain("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    neox = train_byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True), normalizers.NFC(), special=plain("<|endoftext|>", "<|padding|>"))
    neox.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    made["gpt_neox"] = neox
    digits = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)])
    made["smollm2"] = train_byte_level(digits, special=plain("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<file_sep>"))
    # What else a file may ask for: a prefix space, added tokens that swallow spaces or stand for whole words, other splits.
    flags = train_byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True), special=plain("<s>", "</s>"))
    flags.add_special_tokens([AddedToken("<|end|>", rstrip=True, normalized=False), AddedToken("<|user|>", lstrip=True, normalized=False), AddedToken("<|marker|>", lstrip=True, rstrip=True, normalized=False)])
    flags.add_tokens([AddedToken("foo", single_word=True, normalized=False)])
    made["flags"] = flags
    words = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    words.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()])
    words.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.Split(Regex("[aeiou]+"), "merged_with_next", False), pre_tokenizers.Split("-", "removed", False)])
    words.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=700, show_progress=False, special_tokens=["<unk>", "<s>", "</s>"]))
    made["words"] = words
    return made


def short_hash(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]


def expand(entry):
    return entry if isinstance(entry, str) else entry[0] * entry[1] + entry[2]


def write_gzip(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    path.write_bytes(gzip.compress(data, 9, mtime=0))
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size} bytes, {len(data)} unpacked")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gpt2-merges", type=pathlib.Path, help="GPT-2's vocab.bpe, if gpt2-merges.txt.gz is to be written anew")
    parser.add_argument("--mistral-model", type=pathlib.Path, help="tokenizer.model.v1 of mistral_common, if mistral-pieces.json.gz is to be written anew")
    parser.add_argument("--show", nargs=2, metavar=("FAMILY", "INDEX"))
    arguments = parser.parse_args()
    merges_path = OUT / "gpt2-merges.txt.gz"
    if arguments.gpt2_merges:
        OUT.mkdir(parents=True, exist_ok=True)
        merges_path.write_bytes(gzip.compress(arguments.gpt2_merges.read_bytes(), 9, mtime=0))
    if arguments.mistral_model:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(arguments.mistral_model))
        pieces = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
        write_gzip(OUT / "mistral-pieces.json.gz", pieces)
        for text in SENTENCES:
            assert mistral_v1(pieces).encode(text, add_special_tokens=False).ids == processor.encode(text), text
    entries = make_strings() + LONG
    made = build({"llama2", "mistral", "metaspace-split"})
    made["gpt2"] = gpt2(gzip.decompress(merges_path.read_bytes()).decode("utf-8"))
    made["mistral-v1"] = mistral_v1(json.loads(gzip.decompress((OUT / "mistral-pieces.json.gz").read_bytes())))
    if arguments.show:
        family, index = arguments.show[0], int(arguments.show[1])
        ids = made[family].encode(expand(entries[index]), add_special_tokens=False).ids
        print(json.dumps(entries[index]), ids[:200], [made[family].id_to_token(i) for i in ids[:200]], repr(made[family].decode(ids[:200], skip_special_tokens=False)), sep="\n")
        return
    write_gzip(OUT / "strings.json.gz", entries)
    for family, tokenizer in made.items():
        results = []
        generator = random.Random(11)
        for entry in entries:
            ids = tokenizer.encode(expand(entry), add_special_tokens=False).ids
            results.append([short_hash(",".join(map(str, ids))), short_hash(tokenizer.decode(ids, skip_special_tokens=False)), short_hash(tokenizer.decode(ids, skip_special_tokens=True))])
        random_ids = []
        for _ in range(60):
            ids = [generator.randrange(tokenizer.get_vocab_size()) for _ in range(24)]
            random_ids.append({"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False), "withoutSpecial": tokenizer.decode(ids, skip_special_tokens=True)})
        hashes = [" ".join(column) for column in zip(*results)]
        # The real ones are rebuilt from their merges and pieces.
        data = None if family in ("gpt2", "mistral-v1") else json.loads(tokenizer.to_str())
        write_gzip(OUT / f"{family}.json.gz", {"versions": VERSIONS, "tokenizer": data, "ids": hashes[0], "decoded": hashes[1], "withoutSpecial": hashes[2], "randomIds": random_ids})


if __name__ == "__main__":
    main()
