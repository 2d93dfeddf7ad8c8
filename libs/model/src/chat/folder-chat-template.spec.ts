import { join } from 'node:path';
import { temporaryFolder } from '../gguf/temporary-gguf.fixture.js';
import { writeFolder } from '../safetensors/folder-model.fixture.js';
import { loadFolderChatTemplate } from './folder-chat-template.js';

const parent = temporaryFolder();
let count = 0;
const load = (files: Record<string, unknown>) =>
  loadFolderChatTemplate(writeFolder(join(parent, String(count++)), files));
const USER = { role: 'user', content: 'Hi' };
const SOURCE = '{{ bos_token }}{{ messages[0].content }}{{ eos_token }}';

describe('loadFolderChatTemplate', () => {
  test.each([
    ['a template and texts', { chat_template: SOURCE, bos_token: '<s>', eos_token: '</s>' }, '<s>Hi</s>'],
    ['tokens as objects', { chat_template: SOURCE, bos_token: { content: '<s>', lstrip: false } }, '<s>Hi'],
    ['no tokens', { chat_template: SOURCE, bos_token: null }, 'Hi'],
    [
      'several templates',
      {
        chat_template: [
          { name: 'tool_use', template: 'tools' },
          { name: 'default', template: SOURCE },
        ],
      },
      'Hi',
    ],
  ])('%s in tokenizer_config.json', (_, config, expected) => {
    expect(load({ 'tokenizer_config.json': config }).render([USER])).toBe(expected);
  });

  test('tokens that tokenizer_config.json leaves out come from special_tokens_map.json', () => {
    const special = { bos_token: { content: '<s>' }, eos_token: '</s>' };
    const render = (config: object) =>
      load({ 'tokenizer_config.json': config, 'special_tokens_map.json': special }).render([USER]);
    expect(render({ chat_template: SOURCE })).toBe('<s>Hi</s>');
    expect(render({ chat_template: SOURCE, bos_token: null, eos_token: '<e>' })).toBe('Hi<e>');
  });

  test('chat_template.jinja comes first', () => {
    const config = { chat_template: 'old', bos_token: '<s>' };
    const template = load({ 'chat_template.jinja': `new ${SOURCE}`, 'tokenizer_config.json': config });
    expect(template.render([USER])).toBe('new <s>Hi');
    expect(load({ 'chat_template.jinja': 'alone' }).render([USER])).toBe('alone');
  });

  test.each([
    ['an empty folder', {}],
    ['a config without template', { 'tokenizer_config.json': {} }],
    ['templates for other ends', { 'tokenizer_config.json': { chat_template: [{ name: 'rag', template: 'r' }] } }],
  ])('%s has a template that refuses conversations', (_, files) => {
    expect(() => load(files).render([USER])).toThrow(expect.objectContaining({ code: 'no_chat_template' }));
  });

  test.each([
    ['no JSON', '{', 'not_json', /tokenizer_config\.json is no JSON/],
    ['another type', { chat_template: 5 }, 'bad_metadata', /chat_template is 5, expected a string/],
    ['an entry that is none', { chat_template: ['x'] }, 'bad_metadata', /chat_template is "x", expected an object/],
    ['a token of another type', { chat_template: 'x', eos_token: 5 }, 'bad_metadata', /eos_token is 5/],
    ['a template that does not parse', { chat_template: '{% if %}' }, 'bad_template', /does not parse/],
  ])('%s is a fault of the file', (_, config, code, message) => {
    expect(() => load({ 'tokenizer_config.json': config })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
