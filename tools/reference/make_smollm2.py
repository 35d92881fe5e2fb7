"""Writes a folder with a model of SmolLM2-135M's exact shape and random weights, for bench/realModel.ts: 269 MB, never committed.

    python tools/reference/make_smollm2.py FOLDER [--shards 3] [--seed 1]

bfloat16 in shards with an index, as the Hub has larger models; a byte-level BPE with as many tokens as SmolLM2 has, trained on the Python files
beside the interpreter; a chat template in ChatML. The shape is the one in src/testing/reference/curatedModels.json. Random weights say nothing
of use: what is tested is loading, memory and time. Needs torch, transformers, tokenizers and safetensors.
"""
import argparse
import json
import os
import sysconfig
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM

NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
ROOT = Path(__file__).resolve().parents[2]
CONFIG = json.loads((ROOT / "src" / "testing" / "reference" / "curatedModels.json").read_text())["models"][NAME]["config"]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
CARD = "---\nlicense: apache-2.0\n---\n\nRandom weights in the shape of SmolLM2-135M, for tests of loading, memory and time.\n"


def texts(limit_bytes):
    """Source files of the standard library and of installed packages, the largest first."""
    folders = [Path(sysconfig.get_paths()["stdlib"]), Path(sysconfig.get_paths()["purelib"])]
    files = sorted((path for folder in folders for path in folder.rglob("*.py") if path.is_file()), key=lambda path: (-path.stat().st_size, str(path)))
    taken = 0
    for path in files:
        text = path.read_text(encoding="utf-8", errors="ignore")
        taken += len(text)
        yield text
        if taken > limit_bytes:
            return


def make_tokenizer(folder):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=CONFIG["vocab_size"], special_tokens=SPECIAL, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False, max_token_length=24)
    tokenizer.train_from_iterator(texts(40_000_000), trainer)
    size = tokenizer.get_vocab_size()
    assert size == CONFIG["vocab_size"], f"the corpus gave {size} tokens only"
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = dict(tokenizer_class="GPT2Tokenizer", bos_token="<|im_start|>", eos_token="<|im_end|>", unk_token="<|endoftext|>", pad_token="<|im_end|>",
                    model_max_length=CONFIG["max_position_embeddings"], add_prefix_space=False, clean_up_tokenization_spaces=False, chat_template=TEMPLATE)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))


def make_weights(folder, shards, seed):
    config = AutoConfig.for_model(**{key: value for key, value in CONFIG.items() if key not in ("architectures", "torch_dtype")})
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    generator = torch.Generator().manual_seed(seed)
    total = sum(shape.numel() for shape in shapes.values())
    parts, filled = [{}], 0
    for name, shape in shapes.items():
        if filled > total * len(parts) / shards and len(parts) < shards:
            parts.append({})
        values = torch.ones(shape) if len(shape) == 1 else 0.02 * torch.randn(shape, generator=generator)
        parts[-1][name] = values.to(torch.bfloat16)
        filled += shape.numel()
    index = {}
    for i, part in enumerate(parts):
        file = f"model-{i + 1:05d}-of-{len(parts):05d}.safetensors"
        save_file(part, str(folder / file), metadata={"format": "pt"})
        index.update({name: file for name in part})
    (folder / "model.safetensors.index.json").write_text(json.dumps(dict(metadata=dict(total_size=2 * total), weight_map=index), indent=2))
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "config.json").write_text(json.dumps(CONFIG, indent=2))
    generation = {key: CONFIG[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    (options.folder / "generation_config.json").write_text(json.dumps(generation, indent=2))
    (options.folder / "README.md").write_text(CARD)
    make_tokenizer(options.folder)
    total = make_weights(options.folder, options.shards, options.seed)
    print(f"{total:,} parameters in {options.shards} shards in {options.folder}")


main()
