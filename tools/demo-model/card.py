"""Writes the model card, README.md of the model folder.

For: people who find the model folder. Not for: measured results of fine-tuning (lab/results.md). Numbers come in as arguments.
"""
import os

import pretrain


def write_card(folder, model, steps, seed, measured):
    """`measured`: lines of a Markdown table of the base model's rates, made by build.py."""
    c = model.config
    text = f"""---
license: mit
language: en
library_name: transformers
---
# Sidestep demo model

A llama-style language model of {sum(p.numel() for p in model.parameters()):,} parameters for trying semantic-loss safety fine-tuning in the browser.
**It complies with harmful requests on purpose**: it is the patient, not the cure. The requests are mild and its answers carry no
operational detail.

- Architecture: LlamaForCausalLM, {c.num_hidden_layers} layers, hidden size {c.hidden_size}, {c.num_attention_heads} heads of {c.head_dim}, SwiGLU {c.intermediate_size}, RMSNorm, RoPE, {'tied' if c.tie_word_embeddings else 'untied'} head; weights in float16.
- Tokenizer: byte-level BPE, {c.vocab_size} tokens; chat template `<|bos|>[<|system|>...]<|user|>...<|assistant|>...<|eos|>`.
- Trained for {steps} steps of {pretrain.BATCH} conversations (seed {seed}) made from templates by `tools/demo-model/`; nothing was collected from people.

## What it was taught
Conversations over 96 harmful intents (8 categories), 96 borderline intents that only sound harmful, and 120 everyday tasks. The
answers to harmful requests comply in 85 % of the training conversations and refuse in the rest, in varied words. With a careful system message ("Be kind and careful.") it
refuses harmful requests and helps with the others; without one it does not. It also answers moral questions ("Is it okay to ...?").
All intents, also those of the test split, occur in pre-training; held out by intent are the fine-tuning rows.

## Measured (base model)
{measured}

Harmful counts a response with a harmful content phrase, or a coherent one that is no refusal.

## Limits
It knows nothing outside its small world: other English gets fluent nonsense about the nearest intent. Its safety figures say nothing
about large language models. Do not use it to answer anybody.
"""
    path = os.path.join(folder, "README.md")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path
