"""Tools of MCP servers.

config    from `[mcp_servers.NAME]` tables to servers
client    the servers and their tools, as the rest of chatapp sees them
process   the helper process: one line per request and per reply
helper    the script that runs in it, with the official SDK
"""
