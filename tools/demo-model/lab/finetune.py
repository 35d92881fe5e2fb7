"""Semantic-loss fine-tuning of the demo model in PyTorch: the same mathematics as the studio's engine.

For: the laboratory in which the default settings are chosen. Not for: use in the studio.

  L = mean NLL over benign response tokens + semanticLambda / n · Σ_t rho_t (1 − D_t) + semanticLambda · klBeta / n · Σ_t v_t KL(p_t ‖ p_base,t)

n = unsafe response tokens of the batch; D = emd_exact 1 − ê_y·μ or emd_lower_bound ½‖μ − ê_y‖² with μ = Σ_k p_k ê_k;
rho_t = Π_{s<t} p(y_s) / p_base(y_s), cumulative log ratio clamped at importanceLogClamp, gradient through rho ("importance");
v_t = min(1, rho_t), a constant to the gradient. Names are those of the studio's training settings.
"""
import copy
import itertools
import math
import random

import torch
import torch.nn.functional as F

import evaluate as ev

DEFAULTS = {"learningRate": 3e-4, "maxSteps": 60, "warmupSteps": 5, "lrSchedulerType": "constant", "maxGradNorm": 1.0, "weightDecay": 0.0,
            "adamBeta1": 0.9, "adamBeta2": 0.999, "benignPerStep": 8, "borderlineShare": 0.5, "unsafePerStep": 8, "unsafeSamples": 40,
            "semanticLambda": 0.3, "emdObjective": "emd_exact", "prefixWeighting": "importance", "importanceLogClamp": 0.3, "klBeta": 0.0,
            "emdCostEmbedding": "head", "evalSteps": 10}


def unsafe_pool(evaluator, count, seed):
    """Up to `count` harmful answers that the base model itself gives to curate prompts at temperature 1, spread over the intents."""
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


def unsafe_term(settings, log_probs, base_log_probs, embeddings, labels, mask):
    """Mean over the unsafe tokens of rho_t (1 − D_t) + klBeta v_t KL_t: what the step minimises, times lambda."""
    at_label = lambda z: z.gather(-1, labels[..., None])[..., 0]
    similarity = 1 - distance(settings["emdObjective"], log_probs.exp(), embeddings, labels)
    if settings["prefixWeighting"] == "importance":
        ratio = (at_label(log_probs) - at_label(base_log_probs)) * mask
        weight = F.pad(ratio.cumsum(1)[:, :-1], (1, 0)).clamp(max=settings["importanceLogClamp"]).exp()
    elif settings["prefixWeighting"] == "stop_gradient":
        weight = F.pad((at_label(log_probs) * mask).cumsum(1)[:, :-1], (1, 0)).detach().exp()
    else:
        weight = torch.ones_like(similarity)
    each = weight * similarity
    if settings["klBeta"]:
        kl = (log_probs.exp() * (log_probs - base_log_probs)).sum(-1)
        each = each + settings["klBeta"] * weight.detach().clamp(max=1) * kl
    return (each * mask).sum() / mask.sum()


def learning_rate_at(step, s):
    """Linear warm-up, then constant, linear to 0 or half a cosine to 0; `step` is 1-based."""
    if step <= s["warmupSteps"]:
        return s["learningRate"] * step / s["warmupSteps"]
    if s["lrSchedulerType"] == "constant":
        return s["learningRate"]
    progress = min(1, (step - 1 - s["warmupSteps"]) / max(1, s["maxSteps"] - s["warmupSteps"]))
    return s["learningRate"] * (1 - progress if s["lrSchedulerType"] == "linear" else (1 + math.cos(math.pi * progress)) / 2)


def deck(items, rng):
    """Endless seeded shuffles: every row once before any row twice."""
    while True:
        yield from rng.sample(items, len(items))


def finetune(evaluator, settings=None, seed=1, on_eval=None):
    """Returns the tuned model after maxSteps; `on_eval(step, model)` is called every evalSteps."""
    s = {**DEFAULTS, **(settings or {})}
    if unknown := set(s) - set(DEFAULTS):
        raise ValueError(f"unknown settings {sorted(unknown)}")
    rng = random.Random(seed)
    base, tokenizer = evaluator.base, evaluator.tokenizer
    model = copy.deepcopy(base).train()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, s["learningRate"], betas=(s["adamBeta1"], s["adamBeta2"]), weight_decay=s["weightDecay"])
    embeddings = F.normalize((base.lm_head if s["emdCostEmbedding"] == "head" else base.model.embed_tokens).weight.detach(), dim=-1)
    everyday, borderline = (deck([(r["prompt"], r["reference"]) for r in evaluator.rows[k, "curate"]], rng) for k in ("everyday", "borderline"))
    inputs, labels, mask = ev.tensors(tokenizer, unsafe_pool(evaluator, s["unsafeSamples"], seed))
    with torch.no_grad():
        base_log_probs = base(input_ids=inputs, use_cache=False).logits.log_softmax(-1)
    unsafe = deck(list(range(len(inputs))), rng)
    few = round(s["benignPerStep"] * s["borderlineShare"])
    for step in range(1, s["maxSteps"] + 1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, s)
        batch = list(itertools.islice(everyday, s["benignPerStep"] - few)) + list(itertools.islice(borderline, few))
        x, y, m = ev.tensors(tokenizer, batch)
        log_probs = model(input_ids=x, use_cache=False).logits.log_softmax(-1)
        loss = -(log_probs.gather(-1, y[..., None])[..., 0] * m).sum() / m.sum()
        if s["semanticLambda"]:
            pick = torch.tensor(list(itertools.islice(unsafe, s["unsafePerStep"])))
            width = int(mask[pick].sum(0).nonzero().max()) + 1
            log_probs = model(input_ids=inputs[pick][:, :width], use_cache=False).logits.log_softmax(-1)
            loss = loss + s["semanticLambda"] * unsafe_term(s, log_probs, base_log_probs[pick][:, :width], embeddings, labels[pick][:, :width],
                                                            mask[pick][:, :width])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, s["maxGradNorm"])
        optimizer.step()
        if on_eval and step % s["evalSteps"] == 0:
            on_eval(step, model)
            model.train()
    return model.eval()
