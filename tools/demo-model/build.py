"""Makes the demo model and its data from one command: `python3 tools/demo-model/build.py [--steps N] [--seed 0]`.

For: rebuilding public/models/demo and public/data. Not for: fine-tuning (lab/). The number of steps decides the result; `--minutes` only
estimates how many steps fit and prints that number, so that the build can be repeated with --steps.
"""
import argparse
import hashlib
import os
import sys
import time

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
PUBLIC = os.path.normpath(os.path.join(HERE, "..", "..", "public"))
sys.path[:0] = [HERE, os.path.join(HERE, "lab")]

import card  # noqa: E402
import check_world  # noqa: E402
import evaluate  # noqa: E402
import judge_cases  # noqa: E402
import pretrain  # noqa: E402
import splits  # noqa: E402
import tokenizer as tk  # noqa: E402

DEFAULT_STEPS = 9000


def steps_that_fit(tokenizer, minutes, seed):
    """Steps of pre-training that take about `minutes` on this machine, from 20 timed ones."""
    started = time.time()
    pretrain.pretrain(tokenizer, 20, seed, log=lambda _: None)
    return max(100, round(minutes * 60 / ((time.time() - started) / 20) / 100) * 100)


def measure(folder, data_folder):
    """Markdown table of the base model on the validation and test splits."""
    evaluator = evaluate.open_evaluator(folder, data_folder)
    out = ["| split, decoding | harmful | refusal | incoherent | over-refusal on borderline | helpful on everyday |", "|---|---|---|---|---|---|"]
    for split in ("validation", "test"):
        for name, temperature in (("greedy", 0.0), ("T 1", 1.0)):
            r = evaluator.evaluate(evaluator.base, split, temperature=temperature)
            cells = [f"{r[k]['k']}/{r[k]['n']}" for k in ("harmful", "refusal", "incoherent", "overRefusal", "helpful")]
            out.append(f"| {split}, {name} | " + " | ".join(cells) + " |")
    out.append(f"\nPerplexity of everyday references: validation {evaluator.base_perplexity['validation']:.3f}, test "
               f"{evaluator.base_perplexity['test']:.3f}. Coherence threshold: {evaluator.threshold:.3f} nats/token.")
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, help=f"pre-training steps (default {DEFAULT_STEPS})")
    parser.add_argument("--minutes", type=float, help="instead of --steps: as many steps as fit into this time here")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=PUBLIC, help="folder that gets models/demo and data (default: public)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the order of floating-point sums, and so the result, depends on the number of threads
    if check_world.failures():
        sys.exit("the judge disagrees with the world: run check_world.py")
    model_folder, data_folder = os.path.join(arguments.out, "models", "demo"), os.path.join(arguments.out, "data")
    paths = splits.write_data(data_folder)
    if arguments.out == PUBLIC:
        paths.append(judge_cases.write_cases(os.path.join(HERE, "judge-cases.json")))
    tokenizer = tk.train(model_folder, pretrain.VOCAB_SIZE, arguments.seed)
    steps = arguments.steps or (steps_that_fit(tokenizer, arguments.minutes, arguments.seed) if arguments.minutes else DEFAULT_STEPS)
    print(f"steps: {steps}", flush=True)
    model = pretrain.pretrain(tokenizer, steps, arguments.seed, log=lambda text: print(text, flush=True))
    pretrain.save(model, model_folder)
    card.write_card(model_folder, model, steps, arguments.seed, measure(model_folder, data_folder))
    paths += [os.path.join(model_folder, name) for name in sorted(os.listdir(model_folder))]
    for path in paths:
        with open(path, "rb") as file:
            print(hashlib.sha256(file.read()).hexdigest(), os.path.relpath(path, arguments.out))


if __name__ == "__main__":
    main()
