import { temporaryFolder, writeAndOpen } from '../gguf/temporary-gguf.fixture.js';
import { ChatTemplate } from './chat-template.js';

const folder = temporaryFolder();

/** SmolLM2's own. */
const SMOLLM2 =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const USER = { role: 'user', content: 'Hi' };
const render = (source: string, ...args: Parameters<ChatTemplate['render']>) =>
  new ChatTemplate(source).render(...args);

describe('ChatTemplate', () => {
  test('renders SmolLM2 as transformers does', () => {
    expect(render(SMOLLM2, [USER], { addGenerationPrompt: true })).toBe(
      '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' +
        '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    );
    expect(render(SMOLLM2, [{ role: 'system', content: 'Be brief.' }, USER])).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n',
    );
  });

  test('takes the newline after a block and the blanks before it away', () => {
    expect(
      render('{% for m in messages %}\n  {% if true %}\n- {{ m.content }}\n  {% endif %}\n{% endfor %}\nend', [USER]),
    ).toBe('- Hi\nend');
  });

  test('has the variables of transformers', () => {
    const source =
      '{{ bos_token }}|{{ eos_token }}|{{ tools is none }}|{{ documents is none }}|{{ add_generation_prompt }}|{{ mood }}';
    const options = { bosToken: '<s>', eosToken: '</s>', variables: { mood: 'calm' } };
    expect(render(source, [USER], options)).toBe('<s>|</s>|true|true|false|calm');
    expect(render('{% for t in tools %}{{ t.name }};{% endfor %}', [USER], { tools: [{ name: 'f' }] })).toBe('f;');
    expect(render('{{ bos_token is defined }}', [USER])).toBe('false');
  });

  test('has the functions of transformers', () => {
    const now = new Date(2024, 6, 4);
    expect(render("{{ strftime_now('%d %B %Y') }}", [USER], { now })).toBe('04 July 2024');
    expect(
      render('{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(5, 1, -2) %}{{ i }}{% endfor %}', [USER]),
    ).toBe('01253');
    expect(
      render("{% for m in messages %}{% if m.role == 'x' %}{% continue %}{% endif %}{{ m | tojson }}{% endfor %}", [
        { role: 'x', content: '' },
        USER,
      ]),
    ).toBe('{"role": "user", "content": "Hi"}');
  });

  test('raise_exception refuses the messages with the words of the template', () => {
    const source = "{% if messages[0].role != 'user' %}{{ raise_exception('Roles must alternate!') }}{% endif %}ok";
    expect(render(source, [USER])).toBe('ok');
    expect(() => render(source, [{ role: 'tool', content: '' }])).toThrow(
      expect.objectContaining({
        name: 'ChatTemplateError',
        code: 'messages_refused',
        message: 'Roles must alternate!',
      }),
    );
  });

  test('what the template cannot deal with is an error by name', () => {
    expect(() => render('{{ messages[0].content + messages[0].parts.text() }}', [USER])).toThrow(
      expect.objectContaining({ name: 'ChatTemplateError', code: 'render_failed' }),
    );
    expect(() => render('{% for i in range(1, 2, 0) %}{% endfor %}', [USER])).toThrow(
      expect.objectContaining({ code: 'render_failed' }),
    );
  });

  test('a template that does not parse is a fault of the file', () => {
    expect(() => new ChatTemplate('{% if %}')).toThrow(expect.objectContaining({ code: 'bad_template' }));
  });

  test('messages of one request do not show in the next one', () => {
    const template = new ChatTemplate('{% set seen = messages | length %}{{ seen }}');
    expect([template.render([USER, USER]), template.render([USER])]).toEqual(['2', '1']);
  });
});

describe('ChatTemplate.fromGguf', () => {
  const vocabulary = {
    'tokenizer.ggml.tokens': ['<s>', '</s>'],
    'tokenizer.ggml.bos_token_id': 0,
    'tokenizer.ggml.eos_token_id': 1,
  };

  test('takes template and tokens from the file', () => {
    const file = writeAndOpen(folder, { ...vocabulary, 'tokenizer.chat_template': '{{ bos_token }}{{ eos_token }}' });
    file.close();
    expect(ChatTemplate.fromGguf(file).render([USER])).toBe('<s></s>');
    expect(ChatTemplate.fromGguf(file).render([USER], { bosToken: '' })).toBe('</s>');
  });

  test("SentencePiece's tokens are the tokenizer's where the file names none", () => {
    const metadata = {
      'tokenizer.ggml.model': 'llama',
      'tokenizer.ggml.tokens': ['<unk>', '<s>', '</s>'],
      'tokenizer.chat_template': '{{ bos_token }}{{ eos_token }}',
    };
    const file = writeAndOpen(folder, metadata);
    file.close();
    expect(ChatTemplate.fromGguf(file).render([USER])).toBe('<s></s>');
  });

  test('a model without template loads, and refuses conversations', () => {
    const file = writeAndOpen(folder, vocabulary);
    file.close();
    expect(() => ChatTemplate.fromGguf(file).render([USER])).toThrow(
      expect.objectContaining({ code: 'no_chat_template' }),
    );
  });
});
