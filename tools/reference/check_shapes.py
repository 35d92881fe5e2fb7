"""Compares the engine's logits with those of transformers on models of the curated list's exact shapes, with random weights.

    python tools/reference/check_shapes.py [--backend wasm] [ID ...]

Takes gigabytes of disk in a temporary folder and minutes; not part of the tests. Weights are written in the number format that the real model
has on the Hub; transformers computes in float32. Gains of norms are around 1 and weights larger than an initialisation, so that logits are of
size 1 to 10. Needs torch and transformers, and Node for `npm run cli`.
"""
import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

ROOT = Path(__file__).resolve().parents[2]
MODELS = json.loads((ROOT / "src" / "testing" / "reference" / "curatedModels.json").read_text())["models"]
ONE_A_FAMILY = ["HuggingFaceTB/SmolLM2-135M", "openai-community/gpt2", "EleutherAI/pythia-160m", "Qwen/Qwen2.5-0.5B", "Qwen/Qwen3-0.6B", "google/gemma-3-270m"]
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, None: torch.float32}


def make(raw, folder):
    config = AutoConfig.for_model(**{key: value for key, value in raw.items() if key not in ("architectures", "torch_dtype")})
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                parameter.copy_(parameter + 0.1 * torch.randn_like(parameter))
            elif "embed" not in name and "wte" not in name and "wpe" not in name:
                parameter.mul_(2.0)
    model.to(DTYPES[raw.get("torch_dtype")]).save_pretrained(folder, max_shard_size="400MB")
    # Read anew: the tables of RoPE must not go through 16 bits.
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def check(name, backend, folder):
    raw = MODELS[name]["config"]
    model = make(raw, folder)
    ids = [int(i) for i in torch.randint(0, raw["vocab_size"], (24,), generator=torch.Generator().manual_seed(2))]
    with torch.no_grad():
        expected = model(torch.tensor([ids])).logits[0]
    del model
    out = folder / "logits.json"
    command = ["node", "scripts/cli.mjs", "logits", "--model", str(folder), "--input-ids", ",".join(map(str, ids)), "--backend", backend, "--out", str(out)]
    started = time.time()
    subprocess.run(command, cwd=ROOT, check=True)
    seconds = time.time() - started
    written = json.loads(out.read_text())
    actual = torch.tensor(written["logits"], dtype=torch.float64).reshape(written["shape"])
    difference = (actual - expected.double()).abs().max().item()
    print(f"{name:34s} {str(raw.get('torch_dtype') or 'float32'):9s} largest logit {expected.abs().max().item():6.2f}  largest difference {difference:.2e}  "
          f"same choice {int((actual.argmax(1) == expected.argmax(1)).sum())}/{len(ids)}  {seconds:.1f} s with loading", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ids", nargs="*", default=ONE_A_FAMILY)
    parser.add_argument("--backend", default="wasm")
    options = parser.parse_args()
    for name in options.ids:
        with tempfile.TemporaryDirectory() as folder:
            check(name, options.backend, Path(folder))


main()
