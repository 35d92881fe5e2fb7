"""Makes the model folders under src/testing/reference, with what transformers computes for each, loaded back from the folder itself.

    python tools/reference/models.py [NAME ...]

Random weights, but no degenerate ones: no gain is 1, no bias 0. Per model: config.json and weights as transformers saves them;
reference.json (rows, greedy tokens, losses; versions in its head); reference.safetensors (logits of the rows, gradients of the semantic objective
by PyTorch autograd in float64, for every parameter). Not for tokenizers nor the shipped LM (make.py).
Needs torch, transformers and safetensors. Seeded: the same versions write the same bytes.
"""
import json
import math
import os
import sys
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"

import safetensors
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from model_specs import MODELS
from semantic_objective import objective

OUT = Path(__file__).resolve().parents[2] / "src" / "testing" / "reference"
VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__, "safetensors": safetensors.__version__}
NEW_TOKENS = 64
# Below this, equal greedy tokens would be luck.
SMALLEST_MARGIN = 2e-3
SETTINGS = dict(emdObjective="emd_exact", prefixWeighting="importance", klBeta=0.2, emdCostEmbedding="head", semanticLambda=0.7, importanceLogClamp=0.3)


def is_gain(name):
    return name.endswith("norm.weight") or (".ln_" in name and name.endswith("weight"))


def fill(model, spec, generator):
    """Random weights that the file's number format holds exactly."""
    adds_one = type(model).__name__.startswith("Gemma")
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator)
            if is_gain(name):
                value_new = (0.0 if adds_one else 1.0) + 0.2 * noise
            elif "embed" in name or "wte" in name or "wpe" in name:
                # Gemma scales its embeddings by sqrt(hidden): at full size the last token would outweigh all layers.
                value_new = noise * (1.2 / math.sqrt(value.shape[-1]) if adds_one else 1.0)
            elif name.endswith(".bias") and not name.startswith("transformer."):
                value_new = 0.3 * noise
            else:
                value_new = noise * (1.6 / math.sqrt(value.shape[-1]))
            value.copy_(value_new.to(spec["dtype"]).to(torch.float32))


def save(model, spec, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    tied = {"lm_head.weight", "embed_out.weight"} if model.config.tie_word_embeddings else set()
    halved = {name: value.detach().to(spec["dtype"]) for name, value in model.state_dict().items() if name not in tied}
    # Of the tensors alone: .to() on the module would round RoPE's frequencies for good.
    model.save_pretrained(folder, state_dict=halved, **({"max_shard_size": spec["shards"]} if spec["shards"] else {}))
    (folder / "generation_config.json").unlink(missing_ok=True)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["dtype"] = str(spec["dtype"]).removeprefix("torch.")
    if spec["dialect4"]:
        config = spec["dialect4"](config)
        config["torch_dtype"] = config.pop("dtype")
        config["transformers_version"] = "4.56.0"
    path.write_text(json.dumps(config, indent=2) + "\n")


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", local_files_only=True).eval()


def random_ids(generator, length, vocab):
    return torch.randint(3, vocab, (length,), generator=generator).tolist()


def greedy(model, prompt):
    """One token after the other without any cache. Returns the tokens and the smallest gap between the two best logits."""
    row, margin = list(prompt), math.inf
    with torch.no_grad():
        for _ in range(NEW_TOKENS):
            best = model(torch.tensor([row]), use_cache=False).logits[0, -1].topk(2)
            margin = min(margin, float(best.values[0] - best.values[1]))
            row.append(int(best.indices[0]))
    return row[len(prompt):], margin


def greedy_prompts(model, generator, vocab):
    """Prompts of three lengths whose continuations are safe to compare and do not just repeat one token."""
    prompts, continuations, smallest = [], [], math.inf
    for length in (3, 9, 5):
        for _ in range(200):
            prompt = random_ids(generator, length, vocab)
            tokens, margin = greedy(model, prompt)
            if margin > SMALLEST_MARGIN and len(set(tokens)) >= 6:
                break
        else:
            raise SystemExit("no prompt with a safe continuation: try another seed")
        prompts.append(prompt)
        continuations.append(tokens)
        smallest = min(smallest, margin)
    return {"prompts": prompts, "continuations": continuations, "smallestMargin": rounded(smallest)}


def rounded(value):
    """Numbers with the nine digits that float32 needs."""
    if isinstance(value, torch.Tensor):
        value = value.detach().to(torch.float64).tolist()
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.9g}")


def tuned_copy(folder):
    """Weight i of each parameter times 1 + (i mod 7 - 3) / 64: the same float32 numbers wherever it is computed."""
    model = load(folder)
    with torch.no_grad():
        for value in model.parameters():
            flat = value.view(-1)
            flat.mul_(1 + ((torch.arange(flat.numel()) % 7) - 3).to(torch.float32) / 64)
    return model.double()


def training_rows(generator, vocab):
    row = lambda prompt, response: dict(token_ids=random_ids(generator, prompt + response - 1, vocab) + [2], prompt_length=prompt)
    return dict(everyday=[row(4, 5)], borderline=[row(3, 7)], unsafe=[row(4, 8), row(6, 5), row(3, 1)])


def signs(n):
    """Fixed numbers between 1 and 1.8 of either sign: a product with them loses no entry."""
    i = torch.arange(n, dtype=torch.float64)
    return (1 + (i * 7 % 5) / 5) * torch.where((i * 13 % 7) < 3, -1.0, 1.0)


def compact(gradient):
    """A small gradient whole; of a large matrix its product with `signs` from the right and from the left, which together cover each entry twice."""
    if gradient.dim() == 1 or gradient.numel() <= 128:
        return {"": gradient}
    return {".rows": gradient @ signs(gradient.shape[1]), ".columns": signs(gradient.shape[0]) @ gradient}


def make_model(name, spec):
    folder = OUT / name
    generator = torch.Generator().manual_seed(spec["seed"])
    config = spec["config_class"](**{key: value for key, value in spec["config"].items() if value is not None or key in ("sliding_window",)})
    for key in ("attention_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop", "hidden_dropout", "resid_dropout", "embed_dropout"):
        if hasattr(config, key):
            setattr(config, key, 0.0)
    original = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    fill(original, spec, generator)
    save(original, spec, folder)
    model = load(folder)
    for (key, value), (_, expected) in zip(model.named_parameters(), original.named_parameters()):
        if not torch.equal(value, expected):
            raise SystemExit(f"{name}: {key} came back changed")

    # Two rows of different length, each run alone.
    vocab = config.vocab_size
    rows = [random_ids(generator, 13, vocab), random_ids(generator, 7, vocab)]
    tensors = {}
    with torch.no_grad():
        for i, row in enumerate(rows):
            tensors[f"logits.{i}"] = model(torch.tensor([row])).logits[0].contiguous()
            assert torch.allclose(tensors[f"logits.{i}"], original(torch.tensor([row])).logits[0], atol=1e-5), "config.json says something else"

    # The loss of the first row: the first five tokens are a prompt and do not count.
    nll = torch.nn.functional.cross_entropy(tensors["logits.0"][4:-1], torch.tensor(rows[0][5:]), reduction="none")

    continuations = greedy_prompts(model, generator, vocab)
    base, tuned = load(folder).double(), tuned_copy(folder)
    training = training_rows(generator, vocab)
    terms = objective(tuned, base, training, SETTINGS)
    terms["lossTotal"].backward()
    for key, value in tuned.named_parameters():
        if spec["config_class"].__name__ == "GPTNeoXConfig":
            key = key.replace("lm_head", "embed_out")  # as files have it
        for part, values in compact(value.grad).items():
            tensors[f"gradient.{key}{part}"] = values.to(torch.float32).contiguous()
        assert value.grad.abs().max() > 1e-4, f"{key}: no gradient to compare"
    save_file(tensors, folder / "reference.safetensors", metadata={k: str(v) for k, v in VERSIONS.items()})
    (folder / "reference.json").write_text(json.dumps({
        "versions": VERSIONS,
        "inputIds": rows,
        "loss": {"promptLength": 5, "nll": rounded(nll), "mean": rounded(nll.mean())},
        "greedy": continuations,
        "training": {"settings": SETTINGS, "terms": {k: rounded(v) for k, v in terms.items()},
                     "rows": {k: [dict(tokenIds=r["token_ids"], promptLength=r["prompt_length"]) for r in v] for k, v in training.items()}},
    }, separators=(",", ":")) + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters, {size} bytes, smallest greedy margin {continuations['smallestMargin']:.2e}, "
          f"{[len(set(c)) for c in continuations['continuations']]} distinct tokens, largest logit {max(t.abs().max() for k, t in tensors.items() if k.startswith('logits')):.1f}")


def main(names):
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    torch.use_deterministic_algorithms(True)
    for name, spec in MODELS.items():
        if not names or name in names:
            make_model(name, spec)


if __name__ == "__main__":
    main(sys.argv[1:])
