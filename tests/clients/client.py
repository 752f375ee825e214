"""Uses a running Scout as a user's program would: through the official Python SDK.

Connects over HTTP or starts the server and talks to its pipes, lists the tools, and calls `hosts`, `read`
and `run`. Every answer is checked; the first wrong one ends the program with a sentence and exit code 1.
"""

import argparse
import asyncio
import sys

import mcp

DEADLINE_S = 60.0


class Wrong(Exception):
    """An answer that is not what a user relies on."""


def expect(truth, what, seen):
    if not truth:
        raise Wrong(f"{what}; got: {seen!r}")


def text_of(result):
    return "\n".join(block.text for block in result.content if block.type == "text")


async def call(client, tool, arguments):
    result = await client.call_tool(tool, arguments)
    expect(not result.is_error, f"`{tool}` {arguments} succeeds", text_of(result))
    expect(isinstance(result.structured_content, dict), f"`{tool}` has structured content", result)
    return text_of(result)


async def check_tools(client):
    listed = await client.list_tools()
    tools = {tool.name: tool for tool in listed.tools}
    expect(list(tools) == ["scout", "hosts", "read", "find", "diff", "run", "copy", "broadcast"], "these tools are listed", list(tools))
    for name in tools:
        expect(tools[name].description, f"`{name}` has a description", tools[name])
        expect(tools[name].output_schema, f"`{name}` has an output schema", tools[name])
    expect(tools["read"].annotations.read_only_hint is True, "`read` is read only", tools["read"])
    expect(tools["run"].annotations.read_only_hint is not True, "`run` is not", tools["run"])


async def check_calls(client, args):
    hosts = await call(client, "hosts", {})
    for name in (args.host, args.other):
        expect(name in hosts, f"`hosts` names {name}", hosts)

    content = await call(client, "read", {"host": args.host, "path": args.path})
    expect(args.expect in content, "`read` shows the file", content)

    output = await call(client, "run", {"host": args.other, "argv": ["cat", args.path]})
    expect(args.expect in output, "`run` shows the output", output)

    missing = args.path + ".missing"
    failed = await client.call_tool("read", {"host": args.host, "path": missing})
    expect(failed.is_error, "reading a missing file is an error of the tool", text_of(failed))

    unknown = await client.call_tool("read", {"host": "no-such-host", "path": "/"})
    expect(unknown.is_error, "an unknown host is an error of the tool", text_of(unknown))


async def use(args):
    if args.http:
        server = args.http
    else:
        command, *rest = args.stdio
        server = mcp.StdioServerParameters(command=command, args=rest)
    async with mcp.Client(server, mode=args.mode, read_timeout_seconds=DEADLINE_S) as client:
        version = client.protocol_version
        modern = version >= "2026-07-28"
        expect(modern == (args.mode == "auto"), f"mode {args.mode} meets its era", version)
        await check_tools(client)
        await check_calls(client, args)
    return version


def first_cause(error):
    """The SDK's task groups wrap what happened; a person wants the thing itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--http", metavar="URL")
    how.add_argument("--stdio", nargs=argparse.REMAINDER, metavar="COMMAND")
    parser.add_argument("--mode", choices=("auto", "legacy"), default="auto")
    parser.add_argument("--host", required=True, help="the host to read from")
    parser.add_argument("--other", required=True, help="the host to run on")
    parser.add_argument("--path", required=True, help="a file that is on both")
    parser.add_argument("--expect", required=True, help="a word in that file")
    args = parser.parse_args()
    name = f"python {args.mode} {'http' if args.http else 'stdio'}"
    try:
        version = asyncio.run(asyncio.wait_for(use(args), DEADLINE_S))
    except (Exception, BaseExceptionGroup) as error:
        cause = first_cause(error)
        print(f"FAILED {name}: {type(cause).__name__}: {cause}", file=sys.stderr)
        return 1
    print(f"ok {name}: {version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
