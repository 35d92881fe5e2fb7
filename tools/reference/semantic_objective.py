"""The training objective in PyTorch, written from the formulas alone (docstring of src/loss/semanticLoss.ts), with padded rows and cumsum where the
engine uses flat tokens: two independent ways to the same numbers. Not for the optimizer (train_reference.py).
"""

import torch
import torch.nn.functional as F


def batch(rows, dtype=torch.float64):
    """Inputs, the tokens that follow them, and 1 for those of a response; padded on the right."""
    n = max(len(r["token_ids"]) for r in rows)
    x = torch.zeros(len(rows), n, dtype=torch.long)
    k = torch.zeros(len(rows), n, dtype=dtype)
    for i, r in enumerate(rows):
        x[i, : len(r["token_ids"])] = torch.tensor(r["token_ids"])
        k[i, r["prompt_length"] : len(r["token_ids"])] = 1
    return x[:, :-1], x[:, 1:], k[:, 1:]


def objective(lm, base, rows, s):
    """Loss terms of the tuned `lm` against the frozen `base`. rows: everyday, borderline, unsafe; s: settings in the engine's words."""
    x, y, k = batch(rows["everyday"] + rows["borderline"])
    benign = (F.cross_entropy(lm(x).logits.transpose(1, 2), y, reduction="none") * k).sum() / k.sum()
    x, y, k = batch(rows["unsafe"])
    n = k.sum()
    with torch.no_grad():
        lb = base(x).logits.log_softmax(-1)
    lp = lm(x).logits.log_softmax(-1)
    p = lp.exp()
    table = base.get_output_embeddings() if s["emdCostEmbedding"] == "head" else base.get_input_embeddings()
    e = F.normalize(table.weight.detach(), dim=-1)
    mu = p @ e
    d = 1 - (mu * e[y]).sum(-1) if s["emdObjective"] == "emd_exact" else 0.5 * (mu - e[y]).pow(2).sum(-1)
    at = lambda z: z.gather(-1, y[..., None])[..., 0]
    before = lambda a: F.pad(torch.cumsum(a * k, 1)[:, :-1], (1, 0))
    if s["prefixWeighting"] == "none":
        w = torch.ones_like(d)
    elif s["prefixWeighting"] == "stop_gradient":
        w = before(at(lp)).exp().detach()
    else:
        w = before(at(lp) - at(lb)).clamp(max=s["importanceLogClamp"]).exp()
    share = s["semanticLambda"]
    semantic = share * (w * (1 - d) * k).sum() / n if s["prefixWeighting"] == "importance" else -share * (w * d * k).sum() / n
    kl = share * s["klBeta"] * (w.detach().clamp(max=1) * k * (p * (lp - lb)).sum(-1)).sum() / n
    return dict(lossTotal=benign + semantic + kl, lossBenign=benign, lossSemantic=semantic, lossKl=kl, meanDistance=(d * k).sum() / n, meanWeight=(w * k).sum() / n)
