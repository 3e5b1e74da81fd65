"""Families of chat models: their special tokens, and what their templates write.

The templates in ``templates/`` are written anew after the families' published grammars. Contents
are ``SYSTEM``, ``USER`` and ``ANSWER``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SYSTEM, USER, ANSWER = "Be brief.", "Is it so?", "It is."


@dataclass(frozen=True)
class Family:
    """``question`` is a user's turn with the generation prompt, ``answered`` a user's turn and the
    assistant's. The same with a system message are ``told_question`` and ``told_answered``; where
    these begin with "! " the template refuses it, or leaves it out, and Strop says so.

    ``bos_added`` is what the family's GGUF says. ``opening`` stands before an answer, if that is
    not what ``answered`` has.
    """

    name: str
    bos: str
    eos: str
    specials: tuple[str, ...]
    question: str
    answered: str
    told_question: str
    told_answered: str
    bos_added: bool = False
    opening: str = ""
    note: bool = False

    @property
    def template(self) -> str:
        return (Path(__file__).parent / "templates" / f"{self.name}.jinja").read_text()


_LLAMA_3 = (
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
    "Cutting Knowledge Date: December 2023\nToday Date: 01 Jan 2025\n\n{}<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nIs it so?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
_LLAMA_3_TURN = (
    "<|start_header_id|>user<|end_header_id|>\n\nIs it so?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
_LLAMA_3_TOLD = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
_PHI_4_REASONING = (
    "<|im_start|>system<|im_sep|>You are Phi. Work in two sections, as in: <think> {Thought "
    "section} </think> {Solution section}.<|im_end|>"
    "<|im_start|>user<|im_sep|>Is it so?<|im_end|><|im_start|>assistant<|im_sep|>"
)
_CHATML_QUESTION = "<|im_start|>user\nIs it so?<|im_end|>\n<|im_start|>assistant\n"
_CHATML_SYSTEM = "<|im_start|>system\nBe brief.<|im_end|>\n"
_QWEN_25 = (
    "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    "<|im_end|>\n"
)
_SMOLLM_2 = (
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
    "<|im_end|>\n"
)
_SMOLLM_3 = (
    "<|im_start|>system\n## Metadata\n\nKnowledge Cutoff Date: June 2025\n"
    "Today Date: 01 January 2025\nReasoning Mode: /no_think\n\n## Custom Instructions\n\n"
    "{}\n\n<|im_end|>\n"
)
_SMOLLM_3_OWN = _SMOLLM_3.format(
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face."
)
_GRANITE = (
    "<|start_of_role|>system<|end_of_role|>{}<|end_of_text|>\n"
    "<|start_of_role|>user<|end_of_role|>Is it so?<|end_of_text|>\n"
    "<|start_of_role|>assistant<|end_of_role|>"
)
_GRANITE_OWN = _GRANITE.format(
    "Knowledge Cutoff Date: April 2024.\nToday's Date: January 01, 2025.\n"
    "You are Granite, developed by IBM. You are a helpful AI assistant."
)
_DEEPSEEK = "<｜begin▁of▁sentence｜>{}<｜User｜>Is it so?<｜Assistant｜>"
_DEEPSEEK_END = "It is.<｜end▁of▁sentence｜>"
_CHATML = ("<|im_start|>", "<|im_end|>")

FAMILIES = (
    Family(
        "llama-3",
        "<|begin_of_text|>",
        "<|eot_id|>",
        ("<|start_header_id|>", "<|end_header_id|>"),
        "<|begin_of_text|>" + _LLAMA_3_TURN,
        "<|begin_of_text|>" + _LLAMA_3_TURN + "It is.<|eot_id|>",
        _LLAMA_3_TOLD + _LLAMA_3_TURN,
        _LLAMA_3_TOLD + _LLAMA_3_TURN + "It is.<|eot_id|>",
        bos_added=True,
    ),
    Family(
        "llama-3.2",
        "<|begin_of_text|>",
        "<|eot_id|>",
        ("<|start_header_id|>", "<|end_header_id|>"),
        _LLAMA_3.format(""),
        _LLAMA_3.format("") + "It is.<|eot_id|>",
        _LLAMA_3.format("Be brief."),
        _LLAMA_3.format("Be brief.") + "It is.<|eot_id|>",
        bos_added=True,
    ),
    Family(
        "llama-2",
        "<s>",
        "</s>",
        (),
        "<s>[INST] Is it so? [/INST]",
        "<s>[INST] Is it so? [/INST] It is. </s>",
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nIs it so? [/INST]",
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nIs it so? [/INST] It is. </s>",
        bos_added=True,
    ),
    Family(
        "mistral-v0.1",
        "<s>",
        "</s>",
        (),
        "<s>[INST] Is it so? [/INST]",
        "<s>[INST] Is it so? [/INST]It is.</s>",
        "! roles must alternate",
        "! roles must alternate",
        bos_added=True,
    ),
    Family(
        "mistral-v0.3",
        "<s>",
        "</s>",
        ("[INST]", "[/INST]"),
        "<s>[INST] Is it so?[/INST]",
        "<s>[INST] Is it so?[/INST] It is.</s>",
        "<s>[INST] Be brief.\n\nIs it so?[/INST]",
        "! drops or changes the content of message 1",
        bos_added=True,
    ),
    Family(
        "gemma-2",
        "<bos>",
        "<eos>",
        ("<start_of_turn>", "<end_of_turn>"),
        "<bos><start_of_turn>user\nIs it so?<end_of_turn>\n<start_of_turn>model\n",
        "<bos><start_of_turn>user\nIs it so?<end_of_turn>\n"
        "<start_of_turn>model\nIt is.<end_of_turn>\n",
        "! System role not supported",
        "! System role not supported",
        bos_added=True,
    ),
    Family(
        "gemma-3",
        "<bos>",
        "<eos>",
        ("<start_of_turn>", "<end_of_turn>"),
        "<bos><start_of_turn>user\nIs it so?<end_of_turn>\n<start_of_turn>model\n",
        "<bos><start_of_turn>user\nIs it so?<end_of_turn>\n"
        "<start_of_turn>model\nIt is.<end_of_turn>\n",
        "<bos><start_of_turn>user\nBe brief.\n\nIs it so?<end_of_turn>\n<start_of_turn>model\n",
        "<bos><start_of_turn>user\nBe brief.\n\nIs it so?<end_of_turn>\n"
        "<start_of_turn>model\nIt is.<end_of_turn>\n",
        bos_added=True,
    ),
    Family(
        "qwen2.5",
        "<|endoftext|>",
        "<|im_end|>",
        _CHATML,
        _QWEN_25 + _CHATML_QUESTION,
        _QWEN_25 + _CHATML_QUESTION + "It is.<|im_end|>\n",
        _CHATML_SYSTEM + _CHATML_QUESTION,
        _CHATML_SYSTEM + _CHATML_QUESTION + "It is.<|im_end|>\n",
    ),
    Family(
        "qwen3",
        "<|endoftext|>",
        "<|im_end|>",
        _CHATML,
        _CHATML_QUESTION + "<think>\n\n</think>\n\n",
        _CHATML_QUESTION + "<think>\n\n</think>\n\nIt is.<|im_end|>\n",
        _CHATML_SYSTEM + _CHATML_QUESTION + "<think>\n\n</think>\n\n",
        _CHATML_SYSTEM + _CHATML_QUESTION + "<think>\n\n</think>\n\nIt is.<|im_end|>\n",
    ),
    Family(
        "phi-3",
        "<s>",
        "<|endoftext|>",
        ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        "<|user|>\nIs it so?<|end|>\n<|assistant|>\n",
        "<|user|>\nIs it so?<|end|>\n<|assistant|>\nIt is.<|end|>\n<|endoftext|>",
        "<|system|>\nBe brief.<|end|>\n<|user|>\nIs it so?<|end|>\n<|assistant|>\n",
        "<|system|>\nBe brief.<|end|>\n<|user|>\nIs it so?<|end|>\n"
        "<|assistant|>\nIt is.<|end|>\n<|endoftext|>",
    ),
    Family(
        "phi-4",
        "<|endoftext|>",
        "<|im_end|>",
        (*_CHATML, "<|im_sep|>"),
        "<|im_start|>user<|im_sep|>Is it so?<|im_end|><|im_start|>assistant<|im_sep|>",
        "<|im_start|>user<|im_sep|>Is it so?<|im_end|>"
        "<|im_start|>assistant<|im_sep|>It is.<|im_end|>",
        "<|im_start|>system<|im_sep|>Be brief.<|im_end|>"
        "<|im_start|>user<|im_sep|>Is it so?<|im_end|><|im_start|>assistant<|im_sep|>",
        "<|im_start|>system<|im_sep|>Be brief.<|im_end|>"
        "<|im_start|>user<|im_sep|>Is it so?<|im_end|>"
        "<|im_start|>assistant<|im_sep|>It is.<|im_end|>",
    ),
    Family(
        "phi-4-reasoning",
        "<|endoftext|>",
        "<|im_end|>",
        (*_CHATML, "<|im_sep|>"),
        _PHI_4_REASONING,
        _PHI_4_REASONING + "It is.<|im_end|>",
        "! drops or changes the content of message 1",
        "! drops or changes the content of message 1",
        note=True,
    ),
    Family(
        "smollm2",
        "<|im_start|>",
        "<|im_end|>",
        _CHATML,
        _SMOLLM_2 + _CHATML_QUESTION,
        _SMOLLM_2 + _CHATML_QUESTION + "It is.<|im_end|>\n",
        _CHATML_SYSTEM + _CHATML_QUESTION,
        _CHATML_SYSTEM + _CHATML_QUESTION + "It is.<|im_end|>\n",
    ),
    Family(
        "smollm3",
        "<|begin_of_text|>",
        "<|im_end|>",
        _CHATML,
        _SMOLLM_3_OWN + _CHATML_QUESTION + "<think>\n\n</think>\n",
        _SMOLLM_3_OWN + _CHATML_QUESTION + "<think>\n\n</think>\nIt is.<|im_end|>\n",
        _SMOLLM_3.format("Be brief.") + _CHATML_QUESTION + "<think>\n\n</think>\n",
        _SMOLLM_3.format("Be brief.")
        + _CHATML_QUESTION
        + "<think>\n\n</think>\nIt is.<|im_end|>\n",
    ),
    Family(
        "deepseek-r1-distill-qwen",
        "<｜begin▁of▁sentence｜>",
        "<｜end▁of▁sentence｜>",
        ("<｜User｜>", "<｜Assistant｜>"),
        _DEEPSEEK.format("") + "<think>\n",
        _DEEPSEEK.format("") + _DEEPSEEK_END,
        _DEEPSEEK.format("Be brief.") + "<think>\n",
        _DEEPSEEK.format("Be brief.") + _DEEPSEEK_END,
        bos_added=True,
        opening="<｜Assistant｜><think>\n\n</think>\n\n",
    ),
    Family(
        "granite-3.3",
        "<|end_of_text|>",
        "<|end_of_text|>",
        ("<|start_of_role|>", "<|end_of_role|>"),
        _GRANITE_OWN,
        _GRANITE_OWN + "It is.<|end_of_text|>\n",
        _GRANITE.format("Be brief."),
        _GRANITE.format("Be brief.") + "It is.<|end_of_text|>\n",
    ),
)
