"""Makes the fixtures of tokenizers and of the shipped LM under src/testing/reference. Those of model families are made by models.py.

    python tools/reference/make.py [--only-demo]

Run it with --only-demo whenever public/models/demo has changed.

Needs torch, transformers, tokenizers and safetensors; the versions used stand in the head of every fixture.
Seeded: the same versions write the same bytes. Not part of the tests: they read the committed files.
"""
import argparse
import hashlib
import json
import math
import os
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import safetensors
import tokenizers
import torch
import transformers
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "src" / "testing" / "reference"
DEMO = ROOT / "public" / "models" / "demo"
VERSIONS = {
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "tokenizers": tokenizers.__version__,
    "safetensors": safetensors.__version__,
}

NEW_TOKENS = 48


def rounded(tensor):
    """Nested lists with the nine digits that float32 needs."""
    if isinstance(tensor, torch.Tensor):
        tensor = tensor.detach().to(torch.float64).tolist()
    if isinstance(tensor, list):
        return [rounded(item) for item in tensor]
    return float(f"{tensor:.9g}")


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size} bytes")


CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] | trim }}"
    "{% if message['role'] == 'assistant' %}<|end|>{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
CORPUS = [
    "The tea is ready when the water has boiled for a while.", "How do I learn to sing? Practise every day, and listen.",
    "It's fine, they're here, we've eaten and I'd say you'll like it.", "A list: one, two, three; 10 20 300 4000.",
    "El ni\u00f1o comi\u00f3 una manzana. \u00c7a va tr\u00e8s bien, merci !", "Die Stra\u00dfe ist na\u00df, na ja.",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002", "\u3053\u3093\u306b\u3061\u306f\u4e16\u754c",
    "def f(x):\n    return x + 1\n\n\tprint(f(2))", "if x:\n  if y:\n    a = 1\n        b = 2", "\U0001F600 \U0001F44D\U0001F3FD \U0001F468\u200d\U0001F469\u200d\U0001F467",
] * 8

NASTY = [
    "", " ", "  ", "\n", "\n\n\n", "\t\tindent", "Hello", " Hello", "  Hello", "Hello ", "Hello  \n world", "a\r\nb\rc",
    "It's they're WE'VE 'tis rock'n'roll", "10 200 3,000.50 \u0661\u0662\u0663 \u00b2\u00bd", "e\u0301 vs \u00e9 a\u0308\u0323\u0327",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002 \u3053\u3093\u306b\u3061\u306f \ud55c\uad6d\uc5b4 \U00020000\U0002A6D6",
    "\U0001F600\U0001F44D\U0001F3FD\U0001F468\u200d\U0001F469\u200d\U0001F467\u200d\U0001F466 \U0001F1E9\U0001F1EA",
    "zero\u200bwidth\u200cand\u200djoin\u2060er", "nbsp\u00a0thin\u2009ideographic\u3000end", "bom\ufeffinside \ufeff", "nel\u0085line\u2028para\u2029end",
    # Rust counts U+0085 as a space and U+FEFF as none, JavaScript the other way round
    "x   \ufeffy   \ufeff", "x   \u0085y   \u0085",
    "\x00\x01\x1f\x7f\u0080\u009f control", "\u202ertl\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627", "\ufffd\ufffe\uffff\U0010FFFF",
    "\u0130I\u0131i \u1e9e\u00df \ufb01 \u212b \u2126", "<|user|>\nnot a turn<|end|>", "<|end", "x<|assistant|>y", "<s></s>", "a" * 3000, " " * 300 + "x", "ab " * 700,
    "\u00e9" * 500, "\U0001F600" * 200, "tab\tsep\u000bvt\u000cff", "!!!???...,,,;;;---___", "https://example.org/a?b=c&d=%20#e", "\\n \\u0041 \"quoted\" 'single' `tick`",
    "snake_case camelCase SCREAMING_CASE kebab-case x86_64 v1.2.3", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u0928\u092e\u0938\u094d\u0924\u0947 \u1200", "__proto__ constructor toString hasOwnProperty",
]


def tokenizer_cases(folder):
    fast = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    wrapped = PreTrainedTokenizerFast.from_pretrained(folder)
    cases = []
    for text in NASTY:
        ids = fast.encode(text, add_special_tokens=False).ids
        cases.append({"text": text, "ids": ids, "decoded": fast.decode(ids, skip_special_tokens=False)})
    generator = torch.Generator().manual_seed(7)
    random = []
    for _ in range(20):
        ids = torch.randint(0, fast.get_vocab_size(), (24,), generator=generator).tolist()
        random.append({"ids": ids, "decoded": fast.decode(ids, skip_special_tokens=False), "withoutSpecial": fast.decode(ids, skip_special_tokens=True)})
    chats = []
    for prompt in ["How do I boil an egg?", "  spaces around \n", "\U0001F600 na\u00efve?\n\nTwo lines."]:
        rendered = wrapped.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True)
        ids = fast.encode(rendered, add_special_tokens=False).ids
        chats.append({"prompt": prompt, "rendered": rendered, "ids": ids})
    fingerprint = hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
    return {"versions": VERSIONS, "fingerprint": fingerprint, "cases": cases, "randomIds": random, "chats": chats}


def make_tokenizer():
    folder = OUT / "tokenizer-bytelevel"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    special = ["<pad>", "<s>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=480, min_frequency=2, special_tokens=special, show_progress=False,
                                             initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "<|end|>", "pad_token": "<pad>",
        "clean_up_tokenization_spaces": False, "chat_template": CHAT_TEMPLATE})
    write_json(folder / "cases.json", tokenizer_cases(folder))


def make_byte_fallback_tokenizer():
    """The kind that came with SentencePiece: spaces as U+2581, unknown characters as byte tokens, decoded by a chain of steps."""
    folder = OUT / "tokenizer-bytefallback"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = tokenizers.normalizers.Sequence([tokenizers.normalizers.Prepend("\u2581"), tokenizers.normalizers.Replace(" ", "\u2581")])
    decoders = tokenizers.decoders
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=700, min_frequency=2, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False,
                                             max_token_length=12, limit_alphabet=120)
    tokenizer.train_from_iterator(CORPUS, trainer)
    data = json.loads(tokenizer.to_str())
    for byte in range(256):
        data["model"]["vocab"].setdefault(f"<0x{byte:02X}>", len(data["model"]["vocab"]))
    (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
        "clean_up_tokenization_spaces": False,
        "chat_template": "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]{% else %} {{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}"})
    write_json(folder / "cases.json", tokenizer_cases(folder))


def make_demo(folder):
    """The shipped LM: what transformers answers, for the very weights of this fingerprint."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    answers, margin = [], math.inf
    for prompt in ["Help me choose a raincoat.", "Help me write a mean letter to my aunt.", "How do I kill a process on my computer?", "Tell me about the moon."]:
        rendered = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True)
        ids = tokenizer.encode(rendered, add_special_tokens=False)
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1]
            result = model.generate(torch.tensor([ids]), max_new_tokens=NEW_TOKENS, do_sample=False, return_dict_in_generate=True, output_logits=True)
        new = result.sequences[0, len(ids):].tolist()
        for step in result.logits:
            best = step[0].topk(2).values
            margin = min(margin, float(best[0] - best[1]))
        answers.append({"prompt": prompt, "ids": ids, "lastLogits": rounded(logits[:200]), "continuation": new,
                        "text": tokenizer.decode(new, skip_special_tokens=True)})
    fingerprint = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    write_json(OUT / "demo-lm.json", {"versions": VERSIONS, "fingerprint": fingerprint, "smallestMargin": rounded(margin), "answers": answers})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only-demo", action="store_true", help="only what belongs to public/models/demo")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if not arguments.only_demo:
        make_tokenizer()
        make_byte_fallback_tokenizer()
    write_json(OUT / "tokenizer-demo.json", tokenizer_cases(DEMO))
    make_demo(DEMO)


if __name__ == "__main__":
    main()
