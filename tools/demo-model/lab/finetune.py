"""Semantic-loss fine-tuning of the demo model in PyTorch: the same mathematics as the studio's engine.

For: the laboratory in which the default settings are chosen. Not for: use in the studio.

  L = mean NLL over benign response tokens + semanticLambda / n · Σ_t rho_t (1 − D_t)   [+ klBeta · mean KL(base ‖ tuned) on everyday tokens]

n = unsafe response tokens of the batch; D = emd_exact 1 − ê_y·μ or emd_lower_bound ½‖μ − ê_y‖² with μ = Σ_k p_k ê_k;
rho_t = Π_{s<t} p(y_s) / p_base(y_s), cumulative log ratio clamped at 0.3, gradient through rho ("importance").
"""
import copy
import random

import torch
import torch.nn.functional as F

import evaluate as ev

DEFAULTS = {"learningRate": 3e-4, "maxSteps": 80, "warmupSteps": 5, "lrSchedulerType": "constant_with_warmup", "maxGradNorm": 1.0,
            "weightDecay": 0.0, "adamBeta1": 0.9, "adamBeta2": 0.999, "everydayPerStep": 4, "borderlinePerStep": 4, "unsafePerStep": 8,
            "semanticLambda": 0.3, "emdObjective": "emd_exact", "prefixWeighting": "importance", "klBeta": 0.0, "costEmbedding": "head",
            "unsafeSamples": 40, "evalSteps": 20, "logRatioClamp": 0.3}


def unsafe_pool(evaluator, count, seed):
    """Up to `count` harmful answers that the base model itself gives to curate prompts at temperature 1, one an intent in turn."""
    rows = evaluator.rows["harmful", "curate"]
    responses = ev.generate(evaluator.base, evaluator.tokenizer, [r["prompt"] for r in rows], 1.0, seed=seed)
    kept = [(r["prompt"], t) for r, t in zip(rows, responses) if evaluator.judge.flags(t)["harmful"]]
    return kept[:count]  # rows are interleaved over the intents


def distance(objective, probabilities, embeddings, labels):
    """[B, T] distance between the predicted distribution and the unsafe token."""
    mean = probabilities @ embeddings
    target = embeddings[labels]
    if objective == "emd_exact":
        return 1 - (target * mean).sum(-1)
    if objective == "emd_lower_bound":
        return 0.5 * (mean - target).pow(2).sum(-1)
    if objective == "token":  # discrete cost, for comparison: 1 − p(y)
        return 1 - probabilities.gather(-1, labels[..., None])[..., 0]
    raise ValueError(f"unknown objective {objective}")


def unsafe_term(settings, log_probs, base_label_log_probs, embeddings, labels, mask):
    """Σ rho_t (1 − D_t) over the mean number of unsafe tokens: what the step minimises, times lambda."""
    label_log_probs = log_probs.gather(-1, labels[..., None])[..., 0]
    similarity = 1 - distance(settings["emdObjective"], log_probs.exp(), embeddings, labels)
    ratio = (label_log_probs - base_label_log_probs) * mask
    if settings["prefixWeighting"] == "importance":
        weight = F.pad(ratio.cumsum(1)[:, :-1], (1, 0)).clamp(max=settings["logRatioClamp"]).exp()
    elif settings["prefixWeighting"] == "stop_gradient":
        weight = F.pad((label_log_probs * mask).cumsum(1)[:, :-1], (1, 0)).detach().exp()
    else:
        weight = torch.ones_like(similarity)
    return (weight * similarity * mask).sum() / mask.sum()


def finetune(evaluator, settings=None, seed=1, on_eval=None):
    """Returns the tuned model after maxSteps; `on_eval(step, model)` is called every evalSteps and may return True to stop."""
    s = {**DEFAULTS, **(settings or {})}
    rng = random.Random(seed)
    base, tokenizer = evaluator.base, evaluator.tokenizer
    model = copy.deepcopy(base).train()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, s["learningRate"], betas=(s["adamBeta1"], s["adamBeta2"]), weight_decay=s["weightDecay"])
    matrix = base.lm_head.weight if s["costEmbedding"] == "head" else base.model.embed_tokens.weight
    embeddings = F.normalize(matrix.detach(), dim=-1)
    benign = {k: [(r["prompt"], r["reference"]) for r in evaluator.rows[k, "curate"]] for k in ("everyday", "borderline")}
    pool = unsafe_pool(evaluator, s["unsafeSamples"], seed)
    inputs, labels, mask = ev.tensors(tokenizer, pool)
    with torch.no_grad():
        base_label = base(input_ids=inputs, use_cache=False).logits.log_softmax(-1).gather(-1, labels[..., None])[..., 0]
    for step in range(1, s["maxSteps"] + 1):
        scale = min(1, step / max(1, s["warmupSteps"]))
        if s["lrSchedulerType"] == "linear":
            scale *= max(0.0, 1 - (step - 1) / s["maxSteps"])
        elif s["lrSchedulerType"] == "cosine":
            scale *= 0.5 * (1 + torch.cos(torch.tensor(torch.pi * (step - 1) / s["maxSteps"])).item())
        for group in optimizer.param_groups:
            group["lr"] = s["learningRate"] * scale
        batch = rng.choices(benign["everyday"], k=s["everydayPerStep"]) + rng.choices(benign["borderline"], k=s["borderlinePerStep"])
        x, y, m = ev.tensors(tokenizer, batch)
        log_probs = model(input_ids=x, use_cache=False).logits.log_softmax(-1)
        loss = -(log_probs.gather(-1, y[..., None])[..., 0] * m).sum() / m.sum()
        if s["klBeta"]:
            with torch.no_grad():
                anchor = base(input_ids=x, use_cache=False).logits.log_softmax(-1)
            loss = loss + s["klBeta"] * ((anchor.exp() * (anchor - log_probs)).sum(-1) * m).sum() / m.sum()
        pick = torch.tensor(rng.choices(range(len(pool)), k=s["unsafePerStep"]))
        width = int(mask[pick].sum(0).nonzero().max()) + 1
        x, y, m = inputs[pick][:, :width], labels[pick][:, :width], mask[pick][:, :width]
        log_probs = model(input_ids=x, use_cache=False).logits.log_softmax(-1)
        loss = loss + s["semanticLambda"] * unsafe_term(s, log_probs, base_label[pick][:, :width], embeddings, y, m)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, s["maxGradNorm"])
        optimizer.step()
        if on_eval and step % s["evalSteps"] == 0:
            stop = on_eval(step, model)
            model.train()
            if stop:
                break
    return model.eval()
