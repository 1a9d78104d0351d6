"""A virsh that writes down what it was asked, and answers from a world in a JSON file: its first argument."""

import base64
import contextlib
import io
import json
import os
import sys
import time

world_path, world, domains = "", {}, {}


def save():
    with open(world_path + ".new", "w", encoding="utf-8") as file:
        json.dump(world, file)
    os.replace(world_path + ".new", world_path)


def fail(text):
    print("error: " + text, file=sys.stderr)
    sys.exit(1)


def find(words):
    key = words[words.index("--domain") + 1] if "--domain" in words else words[1]
    for name, domain in domains.items():
        if key in (name, domain["uuid"]):
            return name, domain
    fail(f"failed to get domain '{key}'")


def agent(request):
    execute, arguments = request["execute"], request["arguments"]
    if execute == "guest-exec":
        world["ran"] = [arguments["path"], *arguments["arg"]]
        if arguments["path"] == "/usr/sbin/usermod" and "stubborn" not in world:
            world["gecos"] = arguments["arg"][1]
        save()
        return {"pid": 7}
    if "never_ends" in world:
        return {"exited": False}
    if world["ran"][0] == "/usr/bin/getent":
        line = f"customer:x:1000:1000:{world.get('gecos', '')}:/srv/customer:/bin/sh\n"
        return {"exited": True, "exitcode": 0, "out-data": base64.b64encode(line.encode()).decode()}
    return world.get("end", {"exited": True, "exitcode": 0})


def perform(words):
    verb = words[0]
    if verb in world.get("hang", []):
        time.sleep(60)
    if verb in world.get("fail", []):
        fail("no connection to the daemon")
    if verb == "echo":
        return print(words[1])
    if verb == "list":
        return print("\n".join(name if "--name" in words else domain["uuid"] for name, domain in domains.items()))
    if verb == "define":
        with open(words[words.index("--file") + 1], encoding="utf-8") as file:
            world.setdefault("defined", []).append(file.read())
        return save()
    name, domain = find(words)
    if verb == "domstate":
        print(domain["state"])
    elif verb == "dumpxml":
        print(domain["xml"])
    elif verb == "undefine" and "undying" in world:
        pass
    elif verb == "undefine":
        del domains[name]
        for there, here in world.get("swap", []):
            os.replace(there, here)
        domains.update(world.pop("newcomers", {}))
        save()
    elif verb == "qemu-agent-command":
        if "agent_says" in world:
            return print(world["agent_says"])
        print(json.dumps({"return": agent(json.loads(words[-1]))}))
    else:
        goals = {"start": "running", "destroy": "shut off"}
        if domain["state"] == goals.get(verb):
            fail(f"Requested operation is not valid: domain is already {domain['state']}")
        domain["state"] = goals.get(verb, domain["state"])
        save()


def main(argv):
    global world_path, world, domains
    world_path, *words = argv
    with open(world_path, encoding="utf-8") as file:
        world = json.load(file)
    domains = world["domains"]
    with open(world["log"], "a", encoding="utf-8") as log:
        log.write(json.dumps(words) + "\n")
    for command in words[0].split(";") if len(words) == 1 else [None]:
        if command is None:
            perform(words)
        elif command.strip():
            perform(command.split())


def answer(argv):
    """The same without a process of its own: (exit code, stdout, stderr)."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(argv)
        except SystemExit as end:
            code = end.code
    return code, out.getvalue().strip(), err.getvalue().strip()


if __name__ == "__main__":
    main(sys.argv[1:])
