# What openai-python and anthropic-python make of demo workers and of failing targets, through a router. For .ci/run, which
# runs it by scripts/python-clients.ts. Prints "N passed, N failed" last.
import asyncio
import json
import os
import sys

import anthropic
import openai

URL = os.environ["SPILLWAY_URL"]
KEY = os.environ["SPILLWAY_KEY"]
checks = []


def check(function):
    checks.append(function)
    return function


def raises(kind, call, status=None):
    try:
        call()
    except kind as error:
        assert status is None or error.status_code == status, error.status_code
        return error
    raise AssertionError(f"no {kind.__name__}")


def oai(key=KEY, **more):
    return openai.OpenAI(base_url=f"{URL}/v1", api_key=key, **{"max_retries": 0, **more})


def ant(key=KEY, **more):
    return anthropic.Anthropic(base_url=URL, api_key=key, **{"max_retries": 0, **more})


HELLO = [{"role": "user", "content": "Say hello."}]
ASK = [{"role": "user", "content": "Ask weather about Lisbon."}]
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
CUSTOM = {"name": "weather", "description": "The weather of a city", "input_schema": CITY}


@check
def openai_chat_whole_and_streamed():
    raw = oai().chat.completions.with_raw_response.create(model="demo-large", messages=HELLO)
    whole = raw.parse().choices[0]
    assert whole.finish_reason == "stop" and "demo worker" in whole.message.content
    assert raw.headers["x-spillway-served"] == "demo-large/demo-large"
    stream = oai().chat.completions.create(
        model="demo-large", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole.message.content
    assert [c for c in chunks if c.usage] == chunks[-1:] and chunks[-1].usage.completion_tokens > 0


@check
def openai_chat_tools_whole_and_streamed():
    first = oai().chat.completions.create(model="demo-large", messages=ASK, tools=[FUNCTION]).choices[0]
    assert first.finish_reason == "tool_calls"
    call = first.message.tool_calls[0]
    assert call.function.name == "weather" and "city" in json.loads(call.function.arguments)
    with oai().chat.completions.stream(model="demo-large", messages=ASK, tools=[FUNCTION]) as stream:
        for _ in stream:
            pass
        streamed = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert json.loads(streamed.function.arguments) == json.loads(call.function.arguments)
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    turns = [*ASK, first.message.model_dump(exclude_none=True), result]
    second = oai().chat.completions.create(model="demo-large", messages=turns, tools=[FUNCTION])
    assert "sunny" in second.choices[0].message.content


@check
def openai_responses_whole_streamed_and_tools():
    whole = oai().responses.create(model="demo-large", input="Say hello.")
    assert whole.status == "completed"
    events = list(oai().responses.create(model="demo-large", input="Say hello.", stream=True))
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == whole.output_text
    assert events[-1].type == "response.completed"
    tool = {"type": "function", "name": "weather", "parameters": CITY, "strict": True}
    asked = oai().responses.create(model="demo-large", input=ASK[0]["content"], tools=[tool])
    call = next(item for item in asked.output if item.type == "function_call")
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    answer = oai().responses.create(model="demo-large", previous_response_id=asked.id, input=[output], tools=[tool])
    assert "sunny" in answer.output_text


@check
def openai_completions_embeddings_models():
    ask = {"model": "demo-large", "prompt": "Once", "max_tokens": 8}
    whole = oai().completions.create(**ask).choices[0].text
    assert "".join(c.choices[0].text for c in oai().completions.create(**ask, stream=True)) == whole
    packed = oai().embeddings.create(model="demo-embed", input=["one", "two"])
    plain = oai().embeddings.create(model="demo-embed", input=["one", "two"], encoding_format="float")
    for a, b in zip(packed.data, plain.data, strict=True):
        assert len(a.embedding) == 384 and all(abs(x - y) < 1e-6 for x, y in zip(a.embedding, b.embedding))
    assert "demo-large" in [model.id for model in oai().models.list()]
    assert oai().models.retrieve("demo-large").id == "demo-large"


@check
def openai_asynchronous():
    async def both():
        client = openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
        async with client:
            stream = await client.chat.completions.create(model="demo-large", messages=HELLO, stream=True)
            return [chunk async for chunk in stream]

    assert asyncio.run(both())[-1].choices[0].finish_reason == "stop"


@check
def openai_errors():
    chat = lambda client, model: lambda: client.chat.completions.create(model=model, messages=HELLO)  # noqa: E731
    raises(openai.AuthenticationError, chat(oai("sk-nobody"), "demo-large"), 401)
    unknown = raises(openai.NotFoundError, chat(oai(), "nobody"), 404)
    assert unknown.code == "model_not_found" and "demo-large" in unknown.message
    raises(openai.BadRequestError, lambda: oai().chat.completions.create(model="demo-large", messages=[]), 400)
    raises(openai.InternalServerError, chat(oai(), "broken"), 502)
    limited = raises(openai.RateLimitError, chat(oai(), "limited"), 429)
    assert 1 <= int(limited.response.headers["retry-after"]) <= 55


@check
def openai_cut_stream_is_an_error():
    stream = oai().chat.completions.create(model="cut", messages=HELLO, stream=True)
    text = []
    error = raises(openai.APIError, lambda: [text.append(c.choices[0].delta.content or "") for c in stream])
    assert "".join(text) != "" and "closed the connection" in error.message, error


@check
def openai_own_retries_get_through():
    chat = oai(max_retries=2).chat.completions.create(model="once", messages=HELLO)
    assert chat.choices[0].finish_reason == "stop"


@check
def anthropic_whole_and_streamed():
    ask = {"model": "demo-large", "max_tokens": 256, "messages": HELLO}
    raw = ant().messages.with_raw_response.create(**ask)
    whole = raw.parse()
    assert whole.stop_reason == "end_turn" and "demo worker" in whole.content[0].text
    assert raw.headers["x-spillway-served"] == "demo-large/demo-large"
    with ant().messages.stream(**ask) as stream:
        assert "".join(stream.text_stream) == whole.content[0].text
        assert stream.get_final_message().usage.output_tokens == whole.usage.output_tokens
    events = [event.type for event in ant().messages.create(**ask, stream=True)]
    assert (events[0], events[-1]) == ("message_start", "message_stop")


@check
def anthropic_tools_whole_and_streamed():
    ask = {"model": "demo-large", "max_tokens": 256, "tools": [CUSTOM]}
    first = ant().messages.create(**ask, messages=ASK)
    call = next(block for block in first.content if block.type == "tool_use")
    assert first.stop_reason == "tool_use" and call.name == "weather"
    with ant().messages.stream(**ask, messages=ASK) as stream:
        streamed = next(b for b in stream.get_final_message().content if b.type == "tool_use")
    assert streamed.input == call.input
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    turns = [
        *ASK,
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
        {"role": "user", "content": [result]},
    ]
    assert "sunny" in ant().messages.create(**ask, messages=turns).content[0].text


@check
def anthropic_counts_and_models():
    assert ant().messages.count_tokens(model="demo-large", messages=HELLO).input_tokens > 0
    assert "demo-large" in [model.id for model in ant().models.list(limit=2)]
    assert ant().models.retrieve("demo-large").id == "demo-large"


@check
def anthropic_asynchronous():
    async def both():
        async with anthropic.AsyncAnthropic(base_url=URL, api_key=KEY, max_retries=0) as client:
            async with client.messages.stream(model="demo-large", max_tokens=32, messages=HELLO) as stream:
                return await stream.get_final_message()

    assert asyncio.run(both()).stop_reason == "max_tokens"


@check
def anthropic_errors():
    def message(client, model):
        return lambda: client.messages.create(model=model, max_tokens=8, messages=HELLO)

    raises(anthropic.AuthenticationError, message(ant("sk-nobody"), "demo-large"), 401)
    unknown = raises(anthropic.NotFoundError, message(ant(), "nobody"), 404)
    assert unknown.body["error"]["type"] == "not_found_error"
    raises(anthropic.BadRequestError, lambda: ant().messages.create(model="demo-large", max_tokens=0, messages=HELLO), 400)
    raises(anthropic.InternalServerError, message(ant(), "broken"), 502)
    limited = raises(anthropic.RateLimitError, message(ant(), "limited"), 429)
    assert 1 <= int(limited.response.headers["retry-after"]) <= 55


@check
def anthropic_cut_stream_is_an_error():
    text = []

    def read():
        with ant().messages.stream(model="cut", max_tokens=64, messages=HELLO) as stream:
            for piece in stream.text_stream:
                text.append(piece)

    error = raises(anthropic.APIError, read)
    assert "".join(text) != "" and "closed the connection" in str(error), error


failed = 0
for each in checks:
    try:
        each()
        print(f"ok {each.__name__}")
    except Exception as error:  # noqa: BLE001
        failed += 1
        print(f"FAILED {each.__name__}: {type(error).__name__}: {error}")
print(f"openai {openai.__version__}, anthropic {anthropic.__version__}, Python {sys.version.split()[0]}")
print(f"{len(checks) - failed} passed, {failed} failed")
sys.exit(1 if failed > 0 else 0)
