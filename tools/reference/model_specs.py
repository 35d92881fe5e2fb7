"""The tiny language models of the reference fixtures: small on purpose, odd where the architecture allows it, each showing another kind of slip.

Not for how they are computed with (models.py). A spec: the transformers config class, its arguments, the number format of the file and, where
another is wanted than transformers 5 writes, shards and the config.json of transformers 4.
"""

import torch
from transformers import Gemma3TextConfig, GemmaConfig, GPT2Config, GPTNeoConfig, GPTNeoXConfig, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16
SPECIAL = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
P = dict(max_position_embeddings=96)


def rope(theta, **scaling):
    return {"rope_type": "default", "rope_theta": theta, **scaling}


def spec(config_class, dtype, seed, shards=None, dialect4=None, **config):
    return dict(config_class=config_class, dtype=dtype, seed=seed, shards=shards, dialect4=dialect4, config={**SPECIAL, **config})


MODELS = {
    # grouped-query attention, head_dim other than hidden/heads, untied head, f16
    "llama-gqa-untied": spec(LlamaConfig, F16, 1, **P, vocab_size=101, hidden_size=20, intermediate_size=36, num_hidden_layers=2, num_attention_heads=4,
                             num_key_value_heads=2, head_dim=6, rms_norm_eps=1e-5, tie_word_embeddings=False, rope_parameters=rope(10000.0)),
    # every head its own keys, tied head, three layers, another RoPE base, f32
    "llama-mha-tied": spec(LlamaConfig, F32, 2, **P, vocab_size=67, hidden_size=16, intermediate_size=44, num_hidden_layers=3, num_attention_heads=2,
                           num_key_value_heads=2, rms_norm_eps=1e-6, tie_word_embeddings=True, rope_parameters=rope(500.0)),
    # one key head for all, one layer, bf16
    "llama-mqa-bf16": spec(LlamaConfig, BF16, 3, **P, vocab_size=53, hidden_size=12, intermediate_size=28, num_hidden_layers=1, num_attention_heads=3,
                           num_key_value_heads=1, head_dim=4, rms_norm_eps=1e-6, tie_word_embeddings=False, rope_parameters=rope(10000.0)),
    # biases everywhere, frequencies divided, head_dim 10 of a width of 18, f32
    "llama-biases-linear": spec(LlamaConfig, F32, 6, **P, vocab_size=59, hidden_size=18, intermediate_size=26, num_hidden_layers=2, num_attention_heads=3,
                                num_key_value_heads=1, head_dim=10, rms_norm_eps=1e-5, tie_word_embeddings=True, attention_bias=True, mlp_bias=True,
                                rope_parameters=rope(300.0, rope_type="linear", factor=2.5)),
    # Llama 3.2's RoPE with all three of its bands in a head of 8, in the words of transformers 4, bf16
    "llama-llama3-rope": spec(LlamaConfig, BF16, 7, **P, vocab_size=61, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
                              num_key_value_heads=1, head_dim=8, rms_norm_eps=1e-5, tie_word_embeddings=True,
                              rope_parameters=rope(100.0, rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32),
                              dialect4=lambda c: dict(c, rope_theta=100.0, rope_scaling={k: v for k, v in c.pop("rope_parameters").items() if k != "rope_theta"})),
    # odd widths all over, f16
    "llama-odd-f16": spec(LlamaConfig, F16, 8, **P, vocab_size=37, hidden_size=15, intermediate_size=23, num_hidden_layers=2, num_attention_heads=3,
                          num_key_value_heads=3, head_dim=6, rms_norm_eps=1e-6, tie_word_embeddings=False, rope_parameters=rope(10000.0)),
    # learned positions, LayerNorm with bias, biases everywhere, Conv1D layout, GELU in its tanh form, tied head
    "gpt2-tied": spec(GPT2Config, F32, 4, vocab_size=67, n_embd=20, n_layer=2, n_head=4, n_positions=96, tie_word_embeddings=True),
    # exact GELU, another width of the MLP, one head, untied, f16
    "gpt2-untied-gelu": spec(GPT2Config, F16, 5, vocab_size=53, n_embd=12, n_layer=1, n_head=1, n_inner=30, n_positions=96, activation_function="gelu",
                             layer_norm_epsilon=1e-6, tie_word_embeddings=False),
    # odd widths, heads of 5, bf16, sharded
    "gpt2-odd-bf16": spec(GPT2Config, BF16, 19, shards="4KB", vocab_size=37, n_embd=15, n_layer=2, n_head=3, n_inner=23, n_positions=96),
    # learned positions and PyTorch's layout of weights, scores that are not scaled, a window in the second layer, biases but on q, k, v
    "gpt_neo-local": spec(GPTNeoConfig, F16, 21, **P, vocab_size=53, hidden_size=16, num_layers=2, num_heads=2, intermediate_size=26, window_size=5,
                          attention_types=[[["global", "local"], 1]]),
    # attention beside the MLP, a quarter of each head rotated, untied head under its own name, in the words of transformers 4
    "gpt_neox-parallel": spec(GPTNeoXConfig, F32, 10, **P, vocab_size=59, hidden_size=16, intermediate_size=36, num_hidden_layers=2, num_attention_heads=2,
                              tie_word_embeddings=False, rope_parameters=rope(1000.0, partial_rotary_factor=0.25),
                              dialect4=lambda c: {**{k: v for k, v in c.items() if k != "rope_parameters"}, "rotary_pct": 0.25, "rotary_emb_base": 1000}),
    # one after the other, no biases in attention, a third of heads of 6, tanh form, tied, bf16
    "gpt_neox-sequential": spec(GPTNeoXConfig, BF16, 11, **P, vocab_size=43, hidden_size=18, intermediate_size=30, num_hidden_layers=2, num_attention_heads=3,
                                use_parallel_residual=False, attention_bias=False, hidden_act="gelu_new", tie_word_embeddings=True, layer_norm_eps=1e-6,
                                rope_parameters=rope(10000.0, partial_rotary_factor=0.34)),
    # every layer slides a window shorter than the rows; sharded bf16
    "mistral-window": spec(MistralConfig, BF16, 12, shards="8KB", **P, vocab_size=61, hidden_size=16, intermediate_size=28, num_hidden_layers=2, num_attention_heads=4,
                           num_key_value_heads=2, head_dim=6, sliding_window=5, tie_word_embeddings=False, rope_parameters=rope(10000.0)),
    # no window, one key head
    "mistral-full": spec(MistralConfig, F16, 13, **P, vocab_size=47, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
                         num_key_value_heads=1, sliding_window=None, tie_word_embeddings=True, rope_parameters=rope(1e6)),
    # biases on q, k, v alone; tied; an odd width inside the MLP, so that some of its weights cannot be packed
    "qwen2-gqa-tied": spec(Qwen2Config, BF16, 14, **P, vocab_size=63, hidden_size=24, intermediate_size=29, num_hidden_layers=2, num_attention_heads=4,
                           num_key_value_heads=2, tie_word_embeddings=True, rope_parameters=rope(1e6)),
    # a window from the second layer on, YaRN, untied
    "qwen2-window-yarn": spec(Qwen2Config, F32, 15, **P, vocab_size=49, hidden_size=16, intermediate_size=22, num_hidden_layers=3, num_attention_heads=2,
                              num_key_value_heads=1, use_sliding_window=True, sliding_window=4, max_window_layers=1, tie_word_embeddings=False,
                              rope_parameters=rope(50.0, rope_type="yarn", factor=3.0, original_max_position_embeddings=32, beta_fast=8.0, beta_slow=1.0)),
    # norms of queries and keys, head_dim other than hidden/heads, tied
    "qwen3-gqa-tied": spec(Qwen3Config, BF16, 16, **P, vocab_size=57, hidden_size=16, intermediate_size=26, num_hidden_layers=2, num_attention_heads=4,
                           num_key_value_heads=2, head_dim=6, tie_word_embeddings=True, rope_parameters=rope(1e6)),
    # the same with biases, one key head, a layer that slides, untied
    "qwen3-bias-window": spec(Qwen3Config, F16, 17, **P, vocab_size=45, hidden_size=14, intermediate_size=22, num_hidden_layers=2, num_attention_heads=2,
                              num_key_value_heads=1, head_dim=10, attention_bias=True, use_sliding_window=True, sliding_window=6, max_window_layers=1,
                              tie_word_embeddings=False, rope_parameters=rope(10000.0)),
    # the first Gemma: gains of 1 + w, scaled embeddings, gated GELU, one key head
    "gemma-mqa": spec(GemmaConfig, BF16, 18, **P, vocab_size=51, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
                      num_key_value_heads=1, head_dim=8, tie_word_embeddings=True, rope_parameters=rope(10000.0)),
    # sandwich norms, norms of queries and keys, every second layer slides with a RoPE of its own, in the words of transformers 4
    "gemma3_text-pattern": spec(Gemma3TextConfig, F32, 29, **P, vocab_size=55, hidden_size=12, intermediate_size=18, num_hidden_layers=3, num_attention_heads=2,
                                num_key_value_heads=1, head_dim=6, query_pre_attn_scalar=10, sliding_window=5, sliding_window_pattern=2,
                                rope_parameters={"full_attention": rope(1e6), "sliding_attention": rope(100.0)},
                                dialect4=lambda c: {**{k: v for k, v in c.items() if k not in ("rope_parameters", "layer_types")}, "rope_theta": 1e6,
                                                    "rope_local_base_freq": 100.0, "rope_scaling": None, "sliding_window_pattern": 2}),
    # biases, an untied head, frequencies of the full layers divided, layer types in a list, bf16
    "gemma3_text-linear": spec(Gemma3TextConfig, BF16, 20, shards="8KB", **P, vocab_size=47, hidden_size=18, intermediate_size=21, num_hidden_layers=2, num_attention_heads=3,
                               num_key_value_heads=3, head_dim=4, query_pre_attn_scalar=4, sliding_window=4, attention_bias=True, tie_word_embeddings=False,
                               layer_types=["full_attention", "sliding_attention"],
                               rope_parameters={"full_attention": rope(1000.0, rope_type="linear", factor=8.0), "sliding_attention": rope(100.0)}),
}
