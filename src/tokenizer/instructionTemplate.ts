/** The layout for a base LM that has no chat template: that of the instruction data sets which followed Alpaca. Visible and editable. */

/**
 * One turn after the other, each under a heading; the end-of-sequence token closes a response, as in training rows: a base LM knows that
 * token as the end of a document and no other mark.
 */
export const DEFAULT_INSTRUCTION_TEMPLATE = `{{ bos_token }}{% for message in messages %}
{% if message['role'] == 'system' %}
{{ message['content'] }}

{% elif message['role'] == 'user' %}
### Instruction:
{{ message['content'] }}

{% else %}
### Response:
{{ message['content'] }}{{ eos_token }}

{% endif %}
{% endfor %}
{% if add_generation_prompt %}
### Response:
{% endif %}
`;
