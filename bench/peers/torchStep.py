"""Workload S in eager PyTorch, as a process that steps when told (JSON lines on standard input and output).

    python torchStep.py <data path> <threads | "cuda">

Prints {"value": null} when it is ready. The model is Hugging Face's GPT-2, written out: torch is all it needs.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F


def main():
    path, place = sys.argv[1], sys.argv[2]
    if place == "cuda" and not torch.cuda.is_available():
        raise SystemExit("this torch has no CUDA device")
    device = torch.device("cuda" if place == "cuda" else "cpu")
    if place != "cuda":
        torch.set_num_threads(int(place))
    # The engines compute in float32 throughout.
    torch.backends.cuda.matmul.allow_tf32 = False

    with open(path + ".json") as file:
        manifest = json.load(file)
    with open(path + ".bin", "rb") as file:
        raw = bytearray(file.read())
    size, settings, epsilon = manifest["size"], manifest["adamW"], manifest["layerNormEpsilon"]
    B, T, C, H = size["batchSize"], size["seqLength"], size["hiddenSize"], size["numHeads"]

    def read(offset, shape, dtype):
        count = 1
        for extent in shape:
            count *= extent
        return torch.frombuffer(raw, dtype=dtype, count=count, offset=offset).clone().reshape(shape).to(device)

    params = {w["name"].removeprefix("transformer."): read(w["offset"], w["shape"], torch.float32).requires_grad_() for w in manifest["weights"]}
    batches = [(read(b["inputs"], [B, T], torch.int32).long(), read(b["labels"], [B * T], torch.int32).long()) for b in manifest["batches"]]
    groups = [
        {"params": [p for p in params.values() if p.ndim > 1], "weight_decay": settings["weightDecay"]},
        {"params": [p for p in params.values() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings["learningRate"], betas=(settings["beta1"], settings["beta2"]), eps=settings["epsilon"])

    def norm(x, name):
        return F.layer_norm(x, [C], params[name + ".weight"], params[name + ".bias"], epsilon)

    def linear(x, name):
        return torch.addmm(params[name + ".bias"], x, params[name + ".weight"])

    def forward(ids):
        x = (F.embedding(ids, params["wte.weight"]) + params["wpe.weight"]).reshape(B * T, C)
        for i in range(size["numLayers"]):
            h = f"h.{i}"
            q, k, v = (part.transpose(1, 2) for part in linear(norm(x, h + ".ln_1"), h + ".attn.c_attn").view(B, T, 3, H, C // H).unbind(2))
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(B * T, C)
            x = x + linear(mixed, h + ".attn.c_proj")
            x = x + linear(F.gelu(linear(norm(x, h + ".ln_2"), h + ".mlp.c_fc"), approximate="tanh"), h + ".mlp.c_proj")
        return norm(x, "ln_f") @ params["wte.weight"].T

    def step(index):
        ids, labels = batches[index % len(batches)]
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(forward(ids), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def reply(message):
        print(json.dumps(message), flush=True)

    reply({"value": None})
    for line in sys.stdin:
        request = json.loads(line)
        if request["operation"] == "describe":
            name = torch.cuda.get_device_name() if place == "cuda" else "cpu"
            reply({"value": {"version": torch.__version__, "threads": torch.get_num_threads(), "device": name}})
            continue
        first, count = request["argument"]["first"], request["argument"]["count"]
        started = time.perf_counter()
        losses = [step(first + i) for i in range(count)]
        if place == "cuda":
            torch.cuda.synchronize()
        reply({"value": {"elapsedMs": (time.perf_counter() - started) * 1000, "losses": losses, "programs": None}})


main()
