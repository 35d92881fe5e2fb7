"""Reference values for the training objective and the optimizer, by PyTorch autograd in float64 on a tiny random llama.

    python tools/reference/train_reference.py src/testing/reference/train.json

The objective is semantic_objective.py's. Needs torch and transformers; seeded, so the file is reproducible up to the last bits of the linear
algebra library.
"""
import base64, copy, json, sys
import torch, transformers
from transformers import LlamaConfig, LlamaForCausalLM
from semantic_objective import objective

torch.manual_seed(1)
torch.set_num_threads(1)
CONFIG = dict(model_type="llama", vocab_size=23, hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
              num_key_value_heads=1, head_dim=8, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0,
              tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=0)
SHARED = dict(semanticLambda=0.7, importanceLogClamp=0.3)

def pack(x):
    return dict(shape=list(x.shape), data=base64.b64encode(x.detach().to(torch.float32).contiguous().numpy().tobytes()).decode())

def tiny():
    lm = LlamaForCausalLM(LlamaConfig(**CONFIG, attn_implementation="eager"))
    for p in lm.parameters():
        # Large enough for logits that differ, and exactly representable in float32, so that both sides start equal.
        torch.nn.init.normal_(p, 0.0, 0.5) if p.dim() > 1 else torch.nn.init.uniform_(p, 0.7, 1.3)
        p.data = p.data.float()
    return lm.double().eval()

base = tiny()
with torch.no_grad():
    # A common direction, as embeddings of language models have: distances then lie around 0.5, not 1.
    for table in (base.model.embed_tokens.weight, base.lm_head.weight): table.add_(0.5 * torch.randn(16).float().double()); table[0] = 0  # and a token without an embedding
    for p in base.parameters(): p.data = p.data.float().double()
tuned = copy.deepcopy(base)
with torch.no_grad():
    for p in tuned.parameters(): p.add_((0.02 * torch.randn_like(p)).float().double()); p.data = p.data.float().double()

def row(prompt, response): return dict(token_ids=torch.randint(3, CONFIG["vocab_size"], (prompt + response - 1,)).tolist() + [2], prompt_length=prompt)
rows = dict(everyday=[row(4, 5), row(3, 7)], borderline=[row(5, 3), row(2, 6)], unsafe=[row(4, 8), row(6, 5), row(3, 1)])

cases = []
for emd in ("emd_exact", "emd_lower_bound"):
    for weighting in ("none", "stop_gradient", "importance"):
        for beta in (0.0, 0.2):
            s = dict(emdObjective=emd, prefixWeighting=weighting, klBeta=beta, emdCostEmbedding="input" if beta else "head", **SHARED)
            tuned.zero_grad(); terms = objective(tuned, base, rows, s); terms["lossTotal"].backward()
            cases.append(dict(settings=s, terms={k: v.item() for k, v in terms.items()},
                              gradients={n: pack(p.grad) for n, p in tuned.named_parameters()}))

# Ten steps from the base LM on all rows at once: warm-up 4, decay on matrices only, clipping at 1.
run = dict(seed=7, learningRate=3e-3, maxSteps=10, warmupSteps=4, lrSchedulerType="linear", maxGradNorm=1.0, weightDecay=0.1, adamEpsilon=1e-6)
def rate(t): return run["learningRate"] * (t / 4 if t <= 4 else 1 - (t - 5) / 6)
lm = copy.deepcopy(base); s = dict(emdObjective="emd_exact", prefixWeighting="importance", klBeta=0.2, emdCostEmbedding="head", **SHARED)
opt = torch.optim.AdamW([dict(params=[p for p in lm.parameters() if p.dim() > 1], weight_decay=0.1), dict(params=[p for p in lm.parameters() if p.dim() == 1], weight_decay=0.0)], eps=1e-6)
steps = []
for t in range(1, 11):
    for g in opt.param_groups: g["lr"] = rate(t)
    opt.zero_grad(); terms = objective(lm, base, rows, s); terms["lossTotal"].backward(); norm = torch.nn.utils.clip_grad_norm_(lm.parameters(), 1.0); opt.step()
    steps.append({**{k: v.item() for k, v in terms.items()}, "gradNorm": norm.item(), "learningRate": rate(t)})

# The optimizer alone, on gradients of very different sizes.
vec = [torch.nn.Parameter(torch.randn(5, 7)), torch.nn.Parameter(torch.randn(9))]
grads = [[(torch.randn_like(p) * 10.0 ** torch.randint(-4, 2, p.shape)) for p in vec] for _ in range(10)]
o = torch.optim.AdamW([dict(params=[vec[0]], weight_decay=0.1), dict(params=[vec[1]], weight_decay=0.0)], lr=1e-2, betas=(0.8, 0.95), eps=1e-8)
adam = dict(initial=[pack(p) for p in vec], gradients=[[pack(g) for g in gs] for gs in grads], after=[], learningRate=1e-2, weightDecay=0.1, adamBeta1=0.8, adamBeta2=0.95, adamEpsilon=1e-8, maxGradNorm=5.0, gradNorms=[])
for gs in grads:
    for p, g in zip(vec, gs): p.grad = g.clone()
    adam["gradNorms"].append(torch.nn.utils.clip_grad_norm_(vec, 5.0).item()); o.step(); adam["after"].append([pack(p) for p in vec])

json.dump(dict(madeWith=f"torch {torch.__version__}, transformers {transformers.__version__}", config=CONFIG,
               base={n: pack(p) for n, p in base.named_parameters()}, tuned={n: pack(p) for n, p in tuned.named_parameters()},
               rows={k: [dict(tokenIds=r["token_ids"], promptLength=r["prompt_length"]) for r in v] for k, v in rows.items()},
               cases=cases, run=dict(config={**run, **s}, steps=steps, final={n: pack(p) for n, p in lm.named_parameters()}),
               adamW=adam), open(sys.argv[1], "w"), separators=(",", ":"))
for c in cases: print(c["settings"]["emdObjective"], c["settings"]["prefixWeighting"], c["settings"]["klBeta"], {k: round(v, 5) for k, v in c["terms"].items()})
for st in steps: print({k: round(v, 5) for k, v in st.items()})
