"""Trains the byte-level BPE tokenizer of the demo model on its corpus and writes the Hugging Face tokenizer files.

For: tokenizer.json, tokenizer_config.json (with the chat template) and special_tokens_map.json. Not for: encoding at training time of
anything but this model. A response starts right after <|assistant|>, without a space or newline, and ends with <|eos|>.
"""
import itertools
import json
import os

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import corpus

SPECIAL = ["<|pad|>", "<|bos|>", "<|eos|>", "<|system|>", "<|user|>", "<|assistant|>"]
PAD, BOS, EOS, SYSTEM, USER, ASSISTANT = range(6)
CHAT_TEMPLATE = ("{{ '<|bos|>' }}{% for message in messages %}"
                 "{% if message['role'] == 'system' %}{{ '<|system|>' + message['content'] }}"
                 "{% elif message['role'] == 'user' %}{{ '<|user|>' + message['content'] }}"
                 "{% elif message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] + '<|eos|>' }}{% endif %}"
                 "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")
MAX_LENGTH = 256


def train(folder, vocab_size, seed, conversations=30000):
    """Trains on the first `conversations` of the corpus stream and writes the files into `folder`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  show_progress=False)
    texts = (t for row in itertools.islice(corpus.stream(seed), conversations) for t in row if t)
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() != vocab_size:
        raise ValueError(f"the corpus gave {tokenizer.get_vocab_size()} tokens, not {vocab_size}")
    os.makedirs(folder, exist_ok=True)
    tokenizer.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": MAX_LENGTH, "padding_side": "left",
              "bos_token": "<|bos|>", "eos_token": "<|eos|>", "pad_token": "<|pad|>", "clean_up_tokenization_spaces": False,
              "additional_special_tokens": ["<|system|>", "<|user|>", "<|assistant|>"], "chat_template": CHAT_TEMPLATE}
    special = {k: config[k] for k in ("bos_token", "eos_token", "pad_token", "additional_special_tokens")}
    for name, data in (("tokenizer_config.json", config), ("special_tokens_map.json", special)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(data, file, indent=2)
            file.write("\n")
    return tokenizer


def open_tokenizer(folder):
    return Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))


def encode_prompt(tokenizer, prompt, system=None):
    """Ids of the rendered chat up to and including <|assistant|>; the same as the chat template with add_generation_prompt."""
    text = "<|bos|>" + (f"<|system|>{system}" if system else "") + f"<|user|>{prompt}<|assistant|>"
    return tokenizer.encode(text, add_special_tokens=False).ids


def encode_pair(tokenizer, prompt, response, system=None):
    """(prompt ids, response ids with <|eos|>)"""
    return encode_prompt(tokenizer, prompt, system), tokenizer.encode(response, add_special_tokens=False).ids + [EOS]
