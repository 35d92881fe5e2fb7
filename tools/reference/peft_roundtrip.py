"""The other side of an adapter that goes out and comes in: Python peft loads one of ours, or trains one for us. Called by src/export/peft.test.ts.

    python tools/reference/peft_roundtrip.py read BASE ADAPTER IDS.json OUT.json
    python tools/reference/peft_roundtrip.py train BASE ADAPTER IDS.json OUT.json

read: BASE is a Hugging Face folder, ADAPTER one that peft can load. train: peft makes an adapter beside BASE, trains it for five steps of AdamW on
the rows of IDS.json and saves it in ADAPTER. Both write the logits of the rows: with the adapter, merged into the weights, and of the base.
"""
import json
import os
import pathlib
import sys

# A neighbour may be called as a package is.
sys.path = [entry for entry in sys.path if pathlib.Path(entry or ".").resolve() != pathlib.Path(__file__).resolve().parent]
os.environ["HF_HUB_OFFLINE"] = "1"
import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(0)
mode, base_folder, adapter_folder, ids_file, out_file = sys.argv[1:]
rows = [torch.tensor([row]) for row in json.loads(pathlib.Path(ids_file).read_text())]


def load():
    return transformers.AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32, attn_implementation="eager", local_files_only=True).eval()


def logits(model):
    with torch.no_grad():
        return [model(row).logits[0].flatten().tolist() for row in rows]


of_base = logits(load())
if mode == "read":
    model = peft.PeftModel.from_pretrained(load(), adapter_folder).eval()
else:
    model = peft.get_peft_model(load(), peft.LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-2)
    for _ in range(5):
        loss = sum(model(row, labels=row).loss for row in rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval().save_pretrained(adapter_folder)
with_adapter = logits(model)
unused = [name for name, p in model.named_parameters() if "lora_B" in name and not p.abs().sum() > 0]
merged = logits(model.merge_and_unload())
versions = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
pathlib.Path(out_file).write_text(json.dumps(dict(withAdapter=with_adapter, merged=merged, base=of_base, unused=unused, versions=versions)))
