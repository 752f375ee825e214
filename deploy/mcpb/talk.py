"""Unpacks a bundle, starts what its manifest says, and asks it for its tools: BUNDLE DIRECTORY SERVER.JSON.
The tools it has are those the manifest lists, and both files name the version of the binary."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path


def main(bundle, place, registry):
    place = Path(place) / "installed"
    with zipfile.ZipFile(bundle) as packed:
        for entry in packed.infolist():
            packed.extract(entry, place)
            os.chmod(place / entry.filename, entry.external_attr >> 16 or 0o644)
    manifest = json.loads((place / "manifest.json").read_text("utf-8"))
    server = manifest["server"]["mcp_config"]
    config = place / "ssh_config"
    config.write_text("Host web-01\n  HostName 127.0.0.1\n")
    values = {"${__dirname}": str(place), "${user_config.ssh_config}": str(config),
              "${user_config.role}": manifest["user_config"]["role"]["default"]}

    def filled(text):
        for name, value in values.items():
            text = text.replace(name, value)
        return text

    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "check", "version": "1"}}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {
            "name": "hosts", "arguments": {"probe": False}}},
    ]
    env = {"PATH": os.environ["PATH"], "HOME": str(place), **{k: filled(v) for k, v in server["env"].items()}}
    done = subprocess.run([filled(server["command"]), *server["args"]], env=env, timeout=60, check=True, text=True,
                          capture_output=True, input="".join(json.dumps(line) + "\n" for line in lines))
    answers = {m["id"]: m["result"] for m in map(json.loads, done.stdout.splitlines()) if "id" in m}
    there = {tool["name"] for tool in answers[2]["tools"]}
    listed = {tool["name"] for tool in manifest["tools"]}
    assert there == listed, f"the manifest lists {listed ^ there} wrongly"
    assert "web-01" in answers[3]["content"][0]["text"]
    version = answers[1]["serverInfo"]["version"]
    described = json.loads(Path(registry).read_text("utf-8"))
    for name, said in [("manifest.json", manifest["version"]), ("server.json", described["version"])]:
        assert said == version, f"{name} is of {said}, the binary of {version}"
    for package in described["packages"]:
        assert package["registryType"] in ("oci", "mcpb") and package["identifier"] and package["transport"]["type"]
    print(f"the bundle starts, is {version}, and has the {len(there)} tools it lists")


main(*sys.argv[1:])
