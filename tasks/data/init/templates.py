"""What the text of a first recipe has whatever the data: short, and commented where a person is likely to change it."""

import json

HEAD = """\
# Written by `stillhouse init`; every value is a start, yours to change. `stillhouse check params/{name}.yaml` reads it.
name: {name}
seed: 0

data:
  source:
    kind: {kind}
    path: {path}   # is in dvc.yaml too, where DVC watches it for new data
"""
ARRIVALS = """\
  duplicates: drop             # equal samples would be in two splits; refuse, drop or keep
  arrivals: {bad: stop}        # what cannot be read stops the run; quarantine leaves it out, by name
"""
SPLIT = f"""\
  split:
    kind: hashed               # each sample stays where it is while data grows
    validation: 0.2            # chooses
    test: 0.2                  # judges, once
    seed: 0
{ARRIVALS}"""
OFFICIAL = f"""\
  split:
    kind: official             # the folders that were published: test judges, once
    validation: 0.2            # cut from train, where there is no folder for it
    seed: 0
{ARRIVALS}"""
TAIL = """
distill:
  alpha: 0.1                   # weight of the hard label; 1 - alpha goes to the teacher's
  temperature: 4

compress:
  target: {{isa: x86-vnni, threads: 1}}
  candidates: {candidates}
  limits: {{below_student: {{accuracy: 0.01}}}}
  prefer: latency

promote:                       # raise these to what your product needs
  staging: {{approval: automatic, quality: {{accuracy: 0.5}}}}
  edge: {{approval: manual, requires: staging, quality: {{accuracy: 0.5}}}}
"""


def quoted(value: object) -> str:
    """Returns a string or a list of strings in quotes: a column may be called `1`, `no` or `a: b`."""
    return json.dumps(value, ensure_ascii=False)
