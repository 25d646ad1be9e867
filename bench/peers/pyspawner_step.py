"""The host of pyspawner.ts: for each line on stdin, one child that sums a column; its times on stdout."""

import json
import os
import sys
import time

import pyspawner

COLUMN = "value"


def step():
    """What a child does; the table is on stdin."""
    reached = time.monotonic_ns()
    import pyarrow

    # Without threads, which are started by a system call that pyspawner's filter forbids.
    options = pyarrow.ipc.IpcReadOptions(use_threads=False)
    reader = pyarrow.ipc.open_file(sys.stdin.buffer.read(), options=options)
    table = reader.read_all().to_pandas(use_threads=False)
    # As JavaScript writes a whole number.
    sys.stdout.write(json.dumps([str(reached), "%d" % table[COLUMN].sum()]))


def main():
    with open(sys.argv[1], "rb") as file:
        table = file.read()
    client = pyspawner.Client(
        child_main="pyspawner_step.step",
        environment={**os.environ, "LC_ALL": "C.UTF-8"},
        preload_imports=["pandas", "pyarrow", "pyarrow.ipc", "pyspawner_step"],
    )
    with client:
        for _ in sys.stdin:
            start = time.monotonic_ns()
            child = client.spawn_child(sandbox_config=pyspawner.SandboxConfig())
            child.stdin.write(table)
            child.stdin.close()
            answer = child.stdout.read()
            _, status = child.wait(0)
            end = time.monotonic_ns()
            if status != 0:
                errors = child.stderr.read().decode()
                sys.exit("the child ended with status %d: %s" % (status, errors))
            print(json.dumps([str(start), str(end), *json.loads(answer)]), flush=True)


if __name__ == "__main__":
    main()
