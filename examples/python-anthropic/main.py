# Calls a running router with Anthropic's client: a message, a stream, a tool, a count. For users.
import os

from anthropic import Anthropic

client = Anthropic(
    base_url=os.environ.get("ANTHROPIC_BASE_URL", "http://127.0.0.1:8787"),
    api_key=os.environ.get("ANTHROPIC_API_KEY", "local"),
)
question = {"role": "user", "content": "What is a spillway?"}

raw = client.messages.with_raw_response.create(model="demo-large", max_tokens=256, messages=[question])
message = raw.parse()
print("message:", "".join(block.text for block in message.content if block.type == "text"))
print("served by:", raw.headers["x-spillway-served"], "id:", raw.headers["request-id"])

counting = {"role": "user", "content": "Count to three."}
with client.messages.stream(model="demo-large", max_tokens=32, messages=[counting]) as stream:
    pieces = sum(1 for _ in stream.text_stream)
    print("stream:", stream.get_final_message().stop_reason, "after", pieces, "pieces")

# A demo worker calls the tool whose name stands in the question.
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
asking = client.messages.create(
    model="demo-large",
    max_tokens=256,
    messages=[{"role": "user", "content": "Ask weather about Lisbon."}],
    tools=[{"name": "weather", "input_schema": schema}],
)
call = next(block for block in asking.content if block.type == "tool_use")
print("tool:", call.name, call.input)

print("tokens:", client.messages.count_tokens(model="demo-large", messages=[question]).input_tokens)
