"""LoRA adapters made by Python peft for some of the model folders under src/testing/reference, with what peft and torch compute with them.

    python tools/reference/peft_adapters.py [MODEL ...]

Per model src/testing/reference/peft/MODEL/: adapter_config.json and adapter_model.safetensors as peft saves them (A and B random);
reference.json (rows, losses, settings; versions in its head); reference.safetensors (logits of the rows with the adapter, gradients of the
semantic objective for every A and B by autograd in float64, the same matrices after three steps of torch's AdamW, the base being frozen).
Needs torch, transformers, safetensors and peft. Seeded.
"""
import json
import os
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
# A neighbour is called tokenizers.py, as the package is.
sys.path = [entry for entry in sys.path if pathlib.Path(entry or ".").resolve() != HERE]
os.environ["HF_HUB_OFFLINE"] = "1"
import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

sys.path.append(str(HERE))
from semantic_objective import objective  # noqa: E402

FIXTURES = HERE.parents[1] / "src" / "testing" / "reference"
SETTINGS = dict(emdObjective="emd_exact", prefixWeighting="importance", klBeta=0.2, emdCostEmbedding="head", semanticLambda=0.7, importanceLogClamp=0.3)
RUN = dict(seed=7, learningRate=1e-2, maxSteps=3, warmupSteps=0, lrSchedulerType="constant", maxGradNorm=1.0, weightDecay=0.1, adamEpsilon=1e-6)
ADAPTERS = {
    # q, k, v and gate, up all targeted
    "llama-gqa-untied": dict(r=4, lora_alpha=6, target_modules="all-linear"),
    # a part of each joined product; odd rank; rsLoRA
    "llama-mha-tied": dict(r=3, lora_alpha=4, target_modules=["q_proj", "v_proj", "up_proj", "down_proj"], use_rslora=True),
    # Conv1D
    "gpt2-tied": dict(r=4, lora_alpha=8, target_modules="all-linear", fan_in_fan_out=True),
    "gpt2-untied-gelu": dict(r=2, lora_alpha=3, target_modules=["attn.c_proj", "c_fc"], fan_in_fan_out=True),
    # q, k and v in one matrix by head
    "gpt_neox-parallel": dict(r=4, lora_alpha=8, target_modules="all-linear"),
    "gpt_neox-sequential": dict(r=5, lora_alpha=5, target_modules=["query_key_value", "dense_4h_to_h"]),
    "qwen2-gqa-tied": dict(r=4, lora_alpha=8, target_modules="all-linear"),
    "qwen3-gqa-tied": dict(r=3, lora_alpha=6, target_modules=["k_proj", "o_proj", "gate_proj"]),
    "gemma3_text-pattern": dict(r=4, lora_alpha=4, target_modules="all-linear"),
}


def load(name):
    return AutoModelForCausalLM.from_pretrained(FIXTURES / name, dtype=torch.float32, attn_implementation="eager", local_files_only=True).double().eval()


def make(name, settings):
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    base = load(name)
    lm = peft.get_peft_model(load(name), peft.LoraConfig(task_type="CAUSAL_LM", **settings)).eval()
    matrices = {n.replace(".default", ""): p for n, p in lm.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for n, p in matrices.items():
            width = p.shape[1] ** -0.5
            # Exactly representable in float32, so that both sides start equal.
            p.copy_((torch.randn(p.shape, generator=generator) * (width if "lora_A" in n else 0.4 * width)).float().double())
    folder = FIXTURES / "peft" / name
    shutil.rmtree(folder, ignore_errors=True)
    lm.base_model.model.config._name_or_path = lm.peft_config["default"].base_model_name_or_path = f"fixtures/{name}"
    # In float32, as it is trained usually; the values are the same.
    lm.save_pretrained(folder, state_dict={n: p.float() for n, p in lm.state_dict().items()})
    (folder / "README.md").unlink()
    written = json.loads((folder / "adapter_config.json").read_text())
    if isinstance(written["target_modules"], list):
        written["target_modules"].sort()
        (folder / "adapter_config.json").write_text(json.dumps(written, indent=2) + "\n")

    vocab = base.config.vocab_size
    ids = lambda n: torch.randint(3, vocab, (n,), generator=generator).tolist()
    row = lambda prompt, response: dict(token_ids=ids(prompt + response - 1) + [2], prompt_length=prompt)
    rows = dict(everyday=[row(4, 5), row(3, 7)], borderline=[row(5, 3), row(2, 6)], unsafe=[row(4, 8), row(6, 5), row(3, 1)])
    tensors = {}
    with torch.no_grad():
        inputs = [ids(11), ids(7)]
        for i, line in enumerate(inputs):
            tensors[f"logits.{i}"] = lm(torch.tensor([line])).logits[0]
            tensors[f"baseLogits.{i}"] = base(torch.tensor([line])).logits[0]
    optimizer = torch.optim.AdamW(matrices.values(), lr=RUN["learningRate"], weight_decay=RUN["weightDecay"], eps=RUN["adamEpsilon"])
    steps = []
    for step in range(RUN["maxSteps"]):
        optimizer.zero_grad()
        terms = objective(lm, base, rows, SETTINGS)
        terms["lossTotal"].backward()
        if step == 0:
            tensors |= {f"gradient.{n}": p.grad.clone() for n, p in matrices.items()}
        norm = torch.nn.utils.clip_grad_norm_(list(matrices.values()), RUN["maxGradNorm"])
        optimizer.step()
        steps.append({**{k: v.item() for k, v in terms.items()}, "gradNorm": norm.item()})
    tensors |= {f"trained.{n}": p.detach() for n, p in matrices.items()}
    save_file({n: t.detach().float().contiguous() for n, t in tensors.items()}, folder / "reference.safetensors")
    reference = dict(
        madeWith={"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__},
        inputIds=inputs, settings=SETTINGS, run=RUN, steps=steps,
        rows={k: [dict(tokenIds=r["token_ids"], promptLength=r["prompt_length"]) for r in v] for k, v in rows.items()},
    )
    (folder / "reference.json").write_text(json.dumps(reference) + "\n")
    print(name, len(matrices), "matrices", {k: round(v, 4) for k, v in steps[-1].items()}, sum(f.stat().st_size for f in folder.iterdir()), "bytes")


for model in sys.argv[1:] or ADAPTERS:
    if not (FIXTURES / model).exists():
        print(f"{model}: no such fixture")
        continue
    make(model, ADAPTERS[model])
