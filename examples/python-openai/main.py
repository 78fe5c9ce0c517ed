# Calls a running router with OpenAI's client: a chat, a stream, a tool, a response, vectors. For users.
import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8787/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "local"),
)

raw = client.chat.completions.with_raw_response.create(
    model="demo-large",
    messages=[{"role": "user", "content": "What is a spillway?"}],
)
chat = raw.parse()
print("chat:", chat.choices[0].message.content)
print("served by:", raw.headers["x-spillway-served"], "id:", raw.headers["x-request-id"])

stream = client.chat.completions.create(
    model="demo-small",
    messages=[{"role": "user", "content": "Count to three."}],
    stream=True,
    max_tokens=32,
)
pieces = sum(1 for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
print("stream:", pieces, "pieces")

# A demo worker calls the tool whose name stands in the question.
parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
asking = client.chat.completions.create(
    model="demo-large",
    messages=[{"role": "user", "content": "Ask weather about Lisbon."}],
    tools=[{"type": "function", "function": {"name": "weather", "parameters": parameters}}],
)
call = asking.choices[0].message.tool_calls[0]
print("tool:", call.function.name, call.function.arguments)

response = client.responses.create(model="demo-large", input="What is a spillway?")
print("response:", response.output_text)

vectors = client.embeddings.create(model="demo-embed", input=["water", "dam"])
print("vectors:", " and ".join(str(len(one.embedding)) for one in vectors.data), "numbers")
