"""Writes two tiny models by configuration, "chat" and "recogniser", in the folder that is named.

Nothing has trained them: each token's successor is written into their weights, so what they say is known. The
template of the chat model reads a request as that of any model, and chooses the token after which the reply begins.
"""

import pathlib
import sys

import torch
from tokenizers import AddedToken, pre_tokenizers
from transformers import (
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2Tokenizer,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

END = "<|im_end|>"
# The first token of a list is the last of the prompt.
REPLIES = [
    ["<greet>", "Good", " day", " to", " all", " of", " you", ".", END],
    ["<reason>", "<think>", "Hm", "</think>", "Certainly", END],
    ["<unicode>", " Grüße", ", 你好", " 🙂", END],
    ["<call>", "<tool_call>", '\n{"name": "get_time", ', '"arguments": {"city": "Paris"}}', "\n</tool_call>", END],
    ["<result>", "It", " is", " noon", " there", END],
    # This one has no end.
    ["<count>", " one", " two", " three", " one"],
]
TEMPLATE = """\
{% for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}{% for call in message.tool_calls or [] %}
{{ call.function.name }} {{ call.function.arguments.city }}{% endfor %}<|im_end|>
{% endfor %}<|im_start|>assistant{% set last = messages[-1] -%}
{% if last.role == 'tool' %}<result>
{%- elif '🙂' in messages[0].content %}<unicode>
{%- elif 'count' in last.content %}<count>
{%- elif 'think' in last.content %}<reason>
{%- elif tools %}<call>
{%- else %}<greet>{% endif %}"""
# Where the server finds thoughts and calls in what the model writes.
PARTS = {
    "defaults": {"role": "assistant"},
    "start_anchor_pattern": r"assistant<\w+>",
    "fields": {
        "reasoning_content": {"open": "<think>", "close": "</think>", "content": "text"},
        "tool_calls": {
            "open": "<tool_call>",
            "close": "</tool_call>",
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": "{content}"},
        },
        "content": {"close": END, "content": "text"},
    },
}
HEARD = ["<|notimestamps|>", "Good", "Ġday", ".", "<|endoftext|>"]


def write_successors(model, head, embedding, chains, ids):
    """Makes a token's state its number, and the head choose the number of its successor."""
    with torch.no_grad():
        for name, weights in model.named_parameters():
            # What attention and networks would add.
            if any(part in name for part in ("o_proj", "out_proj", "down_proj", "fc2", "embed_positions")):
                weights.zero_()
        embedding.weight.copy_(torch.eye(*embedding.weight.shape))
        head.weight.zero_()
        for chain in chains:
            for token, successor in zip(chain, chain[1:]):
                head.weight[ids[successor], ids[token]] = 10


def make_chat(folder):
    # A character that belongs to no reply is its bytes.
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Qwen2Tokenizer(
        vocab={byte: index for index, byte in enumerate(alphabet)},
        merges=[],
        unk_token=END,
        eos_token=END,
        pad_token=END,
        chat_template=TEMPLATE,
        response_template=PARTS,
    )
    words = dict.fromkeys(word for chain in REPLIES for word in chain)
    tokenizer.add_tokens([AddedToken(word, normalized=False) for word in words])
    ids = tokenizer.get_vocab()
    size = -(-len(ids) // 8) * 8
    config = Qwen2Config(
        vocab_size=size,
        hidden_size=size,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=False,
        eos_token_id=ids[END],
        pad_token_id=ids[END],
    )
    model = Qwen2ForCausalLM(config)
    write_successors(model, model.lm_head, model.model.embed_tokens, REPLIES, ids)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_recogniser(folder):
    names = ["<|endoftext|>", "<|startoftranscript|>", *HEARD[:-1]]
    ids = {name: index for index, name in enumerate(names)}
    tokenizer = WhisperTokenizer(
        vocab=ids, merges=[], additional_special_tokens=["<|startoftranscript|>", "<|notimestamps|>"]
    )
    config = WhisperConfig(
        vocab_size=8,
        d_model=8,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=8,
        decoder_ffn_dim=8,
        max_target_positions=32,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        decoder_start_token_id=ids["<|notimestamps|>"],
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    model = WhisperForConditionalGeneration(config)
    write_successors(model, model.proj_out, model.model.decoder.embed_tokens, [HEARD], ids)
    model.generation_config.is_multilingual = False
    model.generation_config.max_length = 32
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)


folder = pathlib.Path(sys.argv[1])
make_chat(folder / "chat")
make_recogniser(folder / "recogniser")
