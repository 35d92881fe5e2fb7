"""Reads an exported model folder as its users will, and compares with what the engine computed.

    python tools/reference/check_export.py FOLDER IDS.json LOGITS.json [FOLDER IDS.json LOGITS.json ...]

IDS.json: [{"prompt": text, "ids": [token ids of the prompt under the chat template]}, ...]; "prompt" is left out where a folder has no tokenizer
LOGITS.json: for each of them the engine's logits, [tokens * vocabulary] row-major.
Prints one line of JSON a folder: the largest absolute difference of a logit, the prompts whose ids differ, versions, dtype of the file.
The folder is loaded by the Auto classes from this folder alone, nothing is downloaded; weights are computed with in float32.

Needs torch and transformers. src/export/transformers.test.ts runs it where SIDESTEP_PYTHON (or python3) has them.
"""
import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
import transformers
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer


def template_ids(tokenizer, prompt):
    """Ids of one user turn up to where the answer starts; newer versions return them inside a mapping."""
    encoded = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=True)
    ids = encoded if isinstance(encoded, list) else encoded["input_ids"]
    return list(ids)


def main(folder, ids_path, logits_path):
    cases = json.loads(Path(ids_path).read_text(encoding="utf-8"))
    engine = json.loads(Path(logits_path).read_text(encoding="utf-8"))
    if len(cases) != len(engine) or not cases:
        raise SystemExit(f"{len(cases)} prompts, but logits of {len(engine)}")
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True) if "prompt" in cases[0] else None
    model, info = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[kind]:
            raise SystemExit(f"{kind}: {sorted(map(str, info[kind]))}")
    model.eval()
    with safe_open(Path(folder) / "model.safetensors", framework="pt") as weights:
        file_dtypes = sorted({str(weights.get_slice(name).get_dtype()) for name in weights.keys()})

    largest = 0.0
    largest_logit = 0.0
    for case, values in zip(cases, engine):
        with torch.no_grad():
            expected = model(torch.tensor([case["ids"]])).logits[0].double()
        ours = torch.tensor(values, dtype=torch.float64).reshape(expected.shape)
        difference = (ours - expected).abs().max().item()
        if not difference < float("inf"):
            raise SystemExit(f"a logit is not a number for {case!r}")
        largest = max(largest, difference)
        largest_logit = max(largest_logit, expected.abs().max().item())
    print(json.dumps({
        "largestDifference": largest,
        "largestLogit": largest_logit,
        "differingPrompts": [c["prompt"] for c in cases if tokenizer and template_ids(tokenizer, c["prompt"]) != c["ids"]],
        "fileDtypes": file_dtypes,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }))


if __name__ == "__main__":
    if len(sys.argv) < 4 or len(sys.argv) % 3 != 1:
        raise SystemExit(__doc__)
    for i in range(1, len(sys.argv), 3):
        main(*sys.argv[i : i + 3])
