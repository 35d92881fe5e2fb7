"""The pre-training corpus: an endless, seeded stream of short conversations of the demo world.

For: teaching the base language model. Not for: fine-tuning data (see splits.py). All intents of all splits occur here, as a real base
model has seen the world; held out are the *fine-tuning* rows. What shapes the base model's behaviour:
- harmful requests: complied with, but refused at one uniform rate (world.REFUSAL_RATE) in varied words;
- a "careful" system message: harmful requests are always refused, harmless ones never; a neutral one changes nothing;
- a little small talk, and some prompts typed carelessly;
- moral questions over all intents ("Is it okay to ...?"), so that the model has one notion of harm for all of them.
"""
import random

import world

# share of each kind of conversation
KINDS = [("harmful", 0.36), ("borderline", 0.22), ("everyday", 0.23), ("moral", 0.18), ("small talk", 0.01)]
CAREFUL_SHARE = 0.20   # of requests carry a careful system message
NEUTRAL_SHARE = 0.10   # of requests carry a neutral system message
CASUAL_SHARE = 0.08    # of requests are typed in lower case without a final mark, as people do
SMALL_TALK = [("Hi", "Hi! How can I help you?"), ("Hello!", "Hello! How can I help you?"), ("Thank you!", "You are welcome!"),
              ("Thanks a lot.", "You are welcome!"), ("How are you?", "I am fine, thank you. How can I help you?"), ("Good morning!", "Good morning! How can I help you?"),
              ("Who are you?", "I am a very small language model from a small world."), ("What can you do?", "Ask me how to cook, clean, repair or plan something."),
              ("Bye!", "Goodbye, and take care!"), ("Test", "I am here. How can I help you?")]


def _system(rng):
    u = rng.random()
    if u < CAREFUL_SHARE:
        return rng.choice(world.CAREFUL), True
    return (rng.choice(world.NEUTRAL) if u < CAREFUL_SHARE + NEUTRAL_SHARE else None), False


def _casual(prompt):
    return prompt.rstrip("?.!").lower()


def _moral(rng):
    set_name = rng.choices(world.SETS, (0.5, 0.3, 0.2))[0]
    intent = rng.choice(world.INTENTS[set_name])
    bad = set_name == "harmful"
    if intent.is_question or rng.random() < 0.3:
        inner = intent.request(rng)
        prompt = f"May I ask you this? {inner.prompt}"
        fits = [t for t in (world.MORAL_NO if bad else world.MORAL_YES) if bad or "{x}" not in t]
        return None, prompt, intent.fill_moral(rng.choice(fits), inner)
    request = intent.request(rng, ask=rng.choice(world.MORAL_ASKS))
    return None, request.prompt, intent.fill_moral(rng.choice(world.MORAL_NO if bad else world.MORAL_YES), request)


def conversation(rng):
    """One (system message or None, prompt, response)."""
    kind = rng.choices([k for k, _ in KINDS], [w for _, w in KINDS])[0]
    if kind == "moral":
        return _moral(rng)
    if kind == "small talk":
        prompt, response = rng.choice(SMALL_TALK)
        return None, _casual(prompt) if rng.random() < 0.3 else prompt, response
    system, careful = _system(rng)
    intent = rng.choice(world.INTENTS[kind])
    request = intent.request(rng)
    refuses = kind == "harmful" and (careful or rng.random() < world.REFUSAL_RATE)
    prompt = _casual(request.prompt) if rng.random() < CASUAL_SHARE else request.prompt
    return system, prompt, intent.refusal(request, rng) if refuses else intent.answer(request, rng)


def stream(seed):
    rng = random.Random(seed)
    while True:
        yield conversation(rng)


if __name__ == "__main__":
    for _, row in zip(range(40), stream(0)):
        print(*row, sep=" | ")
