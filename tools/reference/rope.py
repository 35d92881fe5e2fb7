"""Makes src/testing/reference/rope.json: rotary frequencies as transformers computes them (float32).

    python tools/reference/rope.py

Needs torch and transformers; the versions used stand in the head of the file.
"""
import json
from pathlib import Path

import torch
import transformers
from transformers import Gemma3TextConfig, GPTNeoXConfig, LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.gemma3.modeling_gemma3 import Gemma3RotaryEmbedding
from transformers.models.gpt_neox.modeling_gpt_neox import GPTNeoXRotaryEmbedding
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

OUT = Path(__file__).resolve().parents[2] / "src" / "testing" / "reference" / "rope.json"
LLAMA3 = dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32768)


def llama(head_dim, theta, scaling):
    parameters = dict(rope_theta=theta, **(scaling or dict(rope_type="default")))
    return LlamaConfig(hidden_size=2 * head_dim, num_attention_heads=2, head_dim=head_dim, max_position_embeddings=131072, rope_parameters=parameters)


def scaled(config):
    inverse, factor = ROPE_INIT_FUNCTIONS[config.rope_parameters["rope_type"]](config, torch.device("cpu"))
    return inverse, factor


def plain(module):
    return module.inv_freq, module.attention_scaling


def gemma_local():
    config = Gemma3TextConfig(head_dim=16, rope_parameters={
        "full_attention": dict(rope_type="linear", rope_theta=1e6, factor=8.0),
        "sliding_attention": dict(rope_type="default", rope_theta=10000.0)})
    module = Gemma3RotaryEmbedding(config)
    return (module.full_attention_inv_freq, module.full_attention_attention_scaling), (module.sliding_attention_inv_freq, module.sliding_attention_attention_scaling)


def case(name, rope, found):
    inverse, factor = found
    return dict(name=name, rope=rope, inverse=[float(f"{value:.9g}") for value in inverse.tolist()], attentionFactor=float(f"{factor:.12g}"))


def main():
    full, local = gemma_local()
    neox = GPTNeoXConfig(hidden_size=64, num_attention_heads=2, rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.25))
    llama3 = dict(type="llama3", factor=32.0, lowFreqFactor=1.0, highFreqFactor=4.0, originalMaxPositionEmbeddings=8192)
    yarn = dict(type="yarn", factor=4.0, originalMaxPositionEmbeddings=32768, betaFast=32, betaSlow=1, attentionFactor=None, truncate=True)
    cases = [
        case("default", dict(theta=10000.0, rotaryDim=12, scaling=None), plain(LlamaRotaryEmbedding(llama(12, 10000.0, None)))),
        case("a quarter of each head (Pythia)", dict(theta=10000.0, rotaryDim=8, scaling=None), plain(GPTNeoXRotaryEmbedding(neox))),
        case("llama3 (Llama 3.2)", dict(theta=500000.0, rotaryDim=64, scaling=llama3), scaled(llama(64, 500000.0, LLAMA3))),
        case("linear", dict(theta=10000.0, rotaryDim=10, scaling=dict(type="linear", factor=8.0)), scaled(llama(10, 10000.0, dict(rope_type="linear", factor=8.0)))),
        case("global layers of Gemma 3", dict(theta=1e6, rotaryDim=16, scaling=dict(type="linear", factor=8.0)), full),
        case("sliding layers of Gemma 3", dict(theta=10000.0, rotaryDim=16, scaling=None), local),
        case("yarn (Qwen 3)", dict(theta=1e6, rotaryDim=128, scaling=yarn), scaled(llama(128, 1e6, YARN))),
        case("yarn with bounds of its own", dict(theta=10000.0, rotaryDim=20, scaling=dict(yarn, factor=16.0, originalMaxPositionEmbeddings=4096, betaFast=16, betaSlow=2, attentionFactor=1.5, truncate=False)),
             scaled(llama(20, 10000.0, dict(YARN, factor=16.0, original_max_position_embeddings=4096, beta_fast=16, beta_slow=2, attention_factor=1.5, truncate=False)))),
    ]
    head = dict(versions=dict(torch=torch.__version__, transformers=transformers.__version__))
    OUT.write_text(json.dumps(dict(**head, cases=cases), separators=(",", ":")) + "\n")
    print(f"{OUT} ({OUT.stat().st_size} bytes)")


main()
