"""Pre-trains the demo language model and writes its Hugging Face folder (config, f16 weights, generation config).

For: the base model that complies with harmful requests. Not for: making it safe; that is what the studio is for.
Deterministic for a given seed and number of steps on one kind of CPU with one thread: nothing depends on the clock.
"""
import json
import os
import random
import time

import torch
from safetensors.torch import save_file
from torch.nn.utils.rnn import pad_sequence
from transformers import LlamaConfig, LlamaForCausalLM

import corpus
import tokenizer as tk

ARCHITECTURE = {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 4,
                "head_dim": 32, "tie_word_embeddings": False, "rms_norm_eps": 1e-5, "max_position_embeddings": tk.MAX_LENGTH}
VOCAB_SIZE = 2048
BATCH, LEARNING_RATE, WARMUP_STEPS, WEIGHT_DECAY, CLIP = 16, 4e-3, 100, 0.05, 1.0


def create_model(vocab_size=VOCAB_SIZE, **changes):
    config = LlamaConfig(vocab_size=vocab_size, pad_token_id=tk.PAD, bos_token_id=tk.BOS, eos_token_id=tk.EOS, attention_bias=False,
                         mlp_bias=False, initializer_range=0.02, attn_implementation="sdpa", **{**ARCHITECTURE, **changes})
    return LlamaForCausalLM(config)


def batches(tokenizer, seed, steps):
    """`steps` right-padded batches [B, T]; four at a time are sorted by length, which halves the padding."""
    stream, rng, made = corpus.stream(seed), random.Random(seed + 1), 0
    while made < steps:
        rows = []
        for _, (system, prompt, response) in zip(range(BATCH * 4), stream):
            prompt_ids, response_ids = tk.encode_pair(tokenizer, prompt, response, system)
            rows.append(prompt_ids + response_ids)
        rows.sort(key=len)
        chunks = [rows[i:i + BATCH] for i in range(0, len(rows), BATCH)]
        rng.shuffle(chunks)
        for chunk in chunks[:steps - made]:
            made += 1
            yield pad_sequence([torch.tensor(r) for r in chunk], batch_first=True, padding_value=tk.PAD)


def pretrain(tokenizer, steps, seed, log=print, **changes):
    """Trains for `steps` on every token of the corpus (prompts too). Returns the model in float32."""
    torch.manual_seed(seed)
    model = create_model(tokenizer.get_vocab_size(), **changes).train()
    matrices, vectors = [p for p in model.parameters() if p.dim() > 1], [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}],
                                  LEARNING_RATE, betas=(0.9, 0.98))
    log(f"pre-training: {sum(p.numel() for p in model.parameters())} parameters, {steps} steps")
    started, mean = time.time(), None
    for step, ids in enumerate(batches(tokenizer, seed + 2, steps)):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / WARMUP_STEPS) * max(0.02, 1 - step / steps)
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1), ignore_index=tk.PAD)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        if (step + 1) % 200 == 0 or step + 1 == steps:
            log(f"step {step + 1}/{steps} loss {mean:.3f} nats/token, {time.time() - started:.0f} s")
    return model.eval()


def save(model, folder):
    """Writes config.json, generation_config.json and model.safetensors (f16)."""
    os.makedirs(folder, exist_ok=True)
    c = model.config
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": c.vocab_size, **{k: getattr(c, k) for k in ARCHITECTURE},
              "hidden_act": "silu", "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0, "rope_theta": 10000.0,
              "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}, "initializer_range": 0.02, "pad_token_id": tk.PAD,
              "bos_token_id": tk.BOS, "eos_token_id": tk.EOS, "torch_dtype": "float16", "use_cache": True}
    generation = {"bos_token_id": tk.BOS, "eos_token_id": tk.EOS, "pad_token_id": tk.PAD, "max_new_tokens": 64, "do_sample": True,
                  "temperature": 1.0}
    for name, data in (("config.json", config), ("generation_config.json", generation)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(data, file, indent=2)
            file.write("\n")
    state = {k: v.detach().to(torch.float16).contiguous() for k, v in model.state_dict().items()}
    if c.tie_word_embeddings:
        state.pop("lm_head.weight", None)
    save_file(state, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})


def open_model(folder):
    """The saved model in float32, as the studio loads it."""
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()
