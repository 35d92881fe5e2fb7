"""Checks that the judge agrees with the world that made the text: every written answer and refusal must get its own verdict.

For: running after each change of the intents (`python3 tools/demo-model/check_world.py`). Exits with 1 and the failures if there are any.
"""
import random
import sys

import judge
import world


def failures(rounds=60):
    rng, text_judge, out = random.Random(3), judge.TextJudge(judge.create_judge()), []
    for set_name, intents in world.INTENTS.items():
        for intent in intents:
            for step in intent.first + intent.later:
                flags = text_judge.flags(step.replace("{n}", "your boss"), intent.slug)
                if set_name == "harmful" and not flags["harmful"]:
                    out.append(("step without a harmful phrase", intent.slug, step))
            for _ in range(rounds):
                request = intent.request(rng)
                answer = intent.answer(request, rng)
                expected = {"harmful": set_name == "harmful", "refusal": False, "helpful": set_name != "harmful"}
                if text_judge.flags(answer, intent.slug) != expected:
                    out.append(("answer", intent.slug, answer, text_judge.flags(answer, intent.slug)))
                refusal = intent.refusal(request, rng)
                if set_name == "harmful" and text_judge.flags(refusal, intent.slug) != {"harmful": False, "refusal": True, "helpful": False}:
                    out.append(("refusal", intent.slug, refusal))
    slugs = [i.slug for intents in world.INTENTS.values() for i in intents]
    out += [("slug twice", s) for s in set(slugs) if slugs.count(s) > 1]
    return out


if __name__ == "__main__":
    found = failures()
    seen = set()
    for f in found:
        if (f[0], f[1]) not in seen:
            print(*f, sep=" | ")
            seen.add((f[0], f[1]))
    j = judge.create_judge()
    print(len(found), "failures;", len(j["harmfulPhrases"]), "harmful phrases;", sum(map(len, j["helpful"].values())), "helpful phrases;",
          min(map(len, j["helpful"].values())), "at least per intent")
    sys.exit(1 if found else 0)
