"""Makes src/testing/reference/curatedModels.json: configurations of the curated language models, and what transformers counts in each.

    python tools/reference/curated_models.py

The values of each config.json are those of the model's page on the Hub as far as public copies tell; nothing is downloaded and no weights are
made: the models exist on the meta device only. Needs torch and transformers; the versions used stand in the head of the file.
"""
import json
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

OUT = Path(__file__).resolve().parents[2] / "src" / "testing" / "reference" / "curatedModels.json"


def smollm2(**sizes):
    return dict(model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=49152, max_position_embeddings=8192, rms_norm_eps=1e-5,
                rope_theta=100000, hidden_act="silu", attention_bias=False, mlp_bias=False, tie_word_embeddings=True, torch_dtype="bfloat16", **sizes)


def gpt2(layers):
    return dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], vocab_size=50257, n_positions=1024, n_ctx=1024, n_embd=768, n_layer=layers, n_head=12,
                activation_function="gelu_new", layer_norm_epsilon=1e-5, bos_token_id=50256, eos_token_id=50256)


def pythia(hidden, layers, heads):
    return dict(model_type="gpt_neox", architectures=["GPTNeoXForCausalLM"], vocab_size=50304, hidden_size=hidden, intermediate_size=4 * hidden, num_hidden_layers=layers,
                num_attention_heads=heads, max_position_embeddings=2048, hidden_act="gelu", layer_norm_eps=1e-5, rotary_pct=0.25, rotary_emb_base=10000,
                use_parallel_residual=True, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0, torch_dtype="float16")


def qwen25():
    return dict(model_type="qwen2", architectures=["Qwen2ForCausalLM"], vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
                num_key_value_heads=2, max_position_embeddings=32768, rms_norm_eps=1e-6, rope_theta=1000000.0, hidden_act="silu", use_sliding_window=False,
                sliding_window=32768, max_window_layers=24, tie_word_embeddings=True, bos_token_id=151643, eos_token_id=151643, torch_dtype="bfloat16")


def qwen3():
    return dict(model_type="qwen3", architectures=["Qwen3ForCausalLM"], vocab_size=151936, hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16,
                num_key_value_heads=8, head_dim=128, max_position_embeddings=40960, rms_norm_eps=1e-6, rope_theta=1000000, hidden_act="silu", attention_bias=False,
                use_sliding_window=False, sliding_window=None, max_window_layers=28, tie_word_embeddings=True, bos_token_id=151643, eos_token_id=151645, torch_dtype="bfloat16")


def gemma3_270m():
    layer_types = ["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(18)]
    return dict(model_type="gemma3_text", architectures=["Gemma3ForCausalLM"], vocab_size=262144, hidden_size=640, intermediate_size=2048, num_hidden_layers=18, num_attention_heads=4,
                num_key_value_heads=1, head_dim=256, max_position_embeddings=32768, rms_norm_eps=1e-6, rope_theta=1000000.0, rope_local_base_freq=10000.0, sliding_window=512,
                layer_types=layer_types, query_pre_attn_scalar=256, hidden_activation="gelu_pytorch_tanh", attention_bias=False, use_bidirectional_attention=False,
                attn_logit_softcapping=None, final_logit_softcapping=None, bos_token_id=2, eos_token_id=1, pad_token_id=0, torch_dtype="bfloat16")


def tinyllama():
    return dict(model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=32000, hidden_size=2048, intermediate_size=5632, num_hidden_layers=22, num_attention_heads=32,
                num_key_value_heads=4, max_position_embeddings=2048, rms_norm_eps=1e-5, rope_theta=10000.0, rope_scaling=None, hidden_act="silu", attention_bias=False,
                tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, torch_dtype="bfloat16")


SMALL = dict(hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3)
MIDDLE = dict(hidden_size=960, intermediate_size=2560, num_hidden_layers=32, num_attention_heads=15, num_key_value_heads=5)
CONFIGS = {
    "HuggingFaceTB/SmolLM2-135M": smollm2(**SMALL, bos_token_id=0, eos_token_id=0),
    "HuggingFaceTB/SmolLM2-135M-Instruct": smollm2(**SMALL, bos_token_id=1, eos_token_id=2, pad_token_id=2),
    "HuggingFaceTB/SmolLM2-360M": smollm2(**MIDDLE, bos_token_id=0, eos_token_id=0),
    "HuggingFaceTB/SmolLM2-360M-Instruct": smollm2(**MIDDLE, bos_token_id=1, eos_token_id=2, pad_token_id=2),
    "EleutherAI/pythia-70m": pythia(512, 6, 8),
    "EleutherAI/pythia-160m": pythia(768, 12, 12),
    "openai-community/gpt2": gpt2(12),
    "distilbert/distilgpt2": gpt2(6),
    "Qwen/Qwen2.5-0.5B": qwen25(),
    "Qwen/Qwen2.5-0.5B-Instruct": dict(qwen25(), eos_token_id=151645, max_window_layers=21),
    "Qwen/Qwen3-0.6B": qwen3(),
    "google/gemma-3-270m": gemma3_270m(),
    "google/gemma-3-270m-it": dict(gemma3_270m(), eos_token_id=[1, 106]),
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0": tinyllama(),
}


def describe(raw):
    config = AutoConfig.for_model(**{key: value for key, value in raw.items() if key not in ("architectures", "torch_dtype")})
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return dict(config=raw, parameters=sum(parameter.numel() for parameter in model.parameters()))


def main():
    models = {name: describe(raw) for name, raw in CONFIGS.items()}
    for name, model in models.items():
        print(f"{name:40s} {model['parameters']:>13,d}")
    made = dict(made_by="tools/reference/curated_models.py", torch=torch.__version__, transformers=transformers.__version__)
    OUT.write_text(json.dumps(dict(versions=made, models=models), indent=1) + "\n")


main()
