"""Makes the reference fixtures under src/testing/reference: what Hugging Face transformers and tokenizers compute.

    python tools/reference/make.py [--only-demo]

Run it with --only-demo whenever public/models/demo has changed.

Needs torch, transformers, tokenizers and safetensors; the versions used stand in the head of every fixture.
Seeded: the same versions write the same bytes. Not part of the tests: they read the committed files.
"""
import argparse
import copy
import hashlib
import json
import math
import os
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import safetensors
import safetensors.torch
import tokenizers
import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "src" / "testing" / "reference"
DEMO = ROOT / "public" / "models" / "demo"
VERSIONS = {
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "tokenizers": tokenizers.__version__,
    "safetensors": safetensors.__version__,
}

# Small on purpose, odd where the architecture allows it: each would show another kind of slip.
MODELS = {
    # grouped-query attention, head_dim other than hidden/heads, untied head, f16
    "llama-gqa-untied": dict(
        config=dict(vocab_size=101, hidden_size=20, intermediate_size=36, num_hidden_layers=2, num_attention_heads=4,
                    num_key_value_heads=2, head_dim=6, max_position_embeddings=96, rms_norm_eps=1e-5,
                    tie_word_embeddings=False, rope_theta=10000.0),
        dtype=torch.float16, seed=1),
    # every head its own keys, tied head, three layers, another RoPE base, f32
    "llama-mha-tied": dict(
        config=dict(vocab_size=67, hidden_size=16, intermediate_size=44, num_hidden_layers=3, num_attention_heads=2,
                    num_key_value_heads=2, max_position_embeddings=96, rms_norm_eps=1e-6,
                    tie_word_embeddings=True, rope_theta=500.0),
        dtype=torch.float32, seed=2),
    # one key head for all, one layer, bf16
    "llama-mqa-bf16": dict(
        config=dict(vocab_size=53, hidden_size=12, intermediate_size=28, num_hidden_layers=1, num_attention_heads=3,
                    num_key_value_heads=1, head_dim=4, max_position_embeddings=96, rms_norm_eps=1e-6,
                    tie_word_embeddings=False, rope_theta=10000.0),
        dtype=torch.bfloat16, seed=3),
    # learned positions, LayerNorm with bias, biases everywhere, Conv1D layout, GELU in its tanh form, tied head
    "gpt2-tied": dict(
        family="gpt2",
        config=dict(vocab_size=67, n_embd=20, n_layer=2, n_head=4, n_positions=96, tie_word_embeddings=True),
        dtype=torch.float32, seed=4),
    # exact GELU, another width of the MLP, one head, untied
    "gpt2-untied-gelu": dict(
        family="gpt2",
        config=dict(vocab_size=53, n_embd=12, n_layer=1, n_head=1, n_inner=30, n_positions=96, activation_function="gelu",
                    layer_norm_epsilon=1e-6, tie_word_embeddings=False),
        dtype=torch.float32, seed=5),
}
NEW_TOKENS = 48
PROBE = 0.37  # a gradient too large to store is stored as its product with cos(PROBE * i)


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


def random_ids(generator, length, vocab):
    return torch.randint(3, vocab, (length,), generator=generator).tolist()


def make_model(name, spec):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(spec["seed"])
    special = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    if spec.get("family") == "gpt2":
        config = GPT2Config(**spec["config"], **special, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
        model = GPT2LMHeadModel(config).eval()
    else:
        rope_theta = spec["config"].pop("rope_theta")
        config = LlamaConfig(**spec["config"], rope_parameters={"rope_type": "default", "rope_theta": rope_theta}, **special,
                             attention_dropout=0.0)
        model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for key, value in model.named_parameters():
            is_gain = key.endswith("norm.weight") or ".ln_" in key and key.endswith("weight")
            is_table = "embed" in key or "wte" in key or "wpe" in key
            scale = 1.0 + 0.2 * torch.randn(value.shape, generator=generator) if is_gain \
                else torch.randn(value.shape, generator=generator) * (1.0 if is_table else 1.6 / math.sqrt(value.shape[-1]))
            value.copy_(scale.to(spec["dtype"]).to(torch.float32))
    # Saved as a copy: .to(float16) would round RoPE's frequencies too, for good.
    copy.deepcopy(model).to(spec["dtype"]).save_pretrained(folder)

    # Two rows of different length: once alone each, once left-padded together as generation does.
    rows = [random_ids(generator, 13, config.vocab_size), random_ids(generator, 7, config.vocab_size)]
    logits = []
    with torch.no_grad():
        for row in rows:
            logits.append(rounded(model(torch.tensor([row])).logits[0]))

    # The loss of the first row: labels are the next tokens, the first five positions are a prompt and do not count.
    ids = torch.tensor([rows[0]])
    labels = ids.clone()
    labels[0, :5] = -100
    model.zero_grad()
    output = model(ids)
    nll = torch.nn.functional.cross_entropy(output.logits[0, :-1], labels[0, 1:], reduction="none", ignore_index=-100)
    loss = nll.sum() / (labels[0, 1:] != -100).sum()
    loss.backward()
    gradients = {}
    for key, value in model.named_parameters():
        flat = value.grad.reshape(-1).to(torch.float64)
        probe = torch.cos(PROBE * torch.arange(flat.numel(), dtype=torch.float64))
        gradients[key] = {"l2": rounded(flat.norm()), "probe": rounded((flat * probe).sum()), "first": rounded(flat[:48])}

    # Greedy continuations, every row alone; the smallest gap between the two best logits says how safe equality is.
    prompts = [random_ids(generator, length, config.vocab_size) for length in (3, 9, 5)]
    continuations, margin = [], math.inf
    for prompt in prompts:
        with torch.no_grad():
            result = model.generate(torch.tensor([prompt]), max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=None,
                                    pad_token_id=0, return_dict_in_generate=True, output_logits=True)
        continuations.append(result.sequences[0, len(prompt):].tolist())
        for step in result.logits:
            best = step[0].topk(2).values
            margin = min(margin, float(best[0] - best[1]))

    write_json(folder / "reference.json", {
        "versions": VERSIONS,
        "inputIds": rows, "logits": logits,
        "loss": {"promptLength": 5, "nll": rounded(nll[4:]), "mean": rounded(loss), "probe": PROBE, "gradients": gradients},
        "greedy": {"prompts": prompts, "continuations": continuations, "smallestMargin": rounded(margin)},
    })
    (folder / "generation_config.json").unlink(missing_ok=True)
    print(f"  {sum(p.numel() for p in model.parameters())} parameters, smallest greedy margin {margin:.2e}")


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
        for name, spec in MODELS.items():
            make_model(name, spec)
        make_tokenizer()
        make_byte_fallback_tokenizer()
    write_json(OUT / "tokenizer-demo.json", tokenizer_cases(DEMO))
    make_demo(DEMO)


if __name__ == "__main__":
    main()
