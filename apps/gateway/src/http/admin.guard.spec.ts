import { isLoopback } from './admin.guard.js';

it.each(['127.0.0.1', '127.8.9.10', '::1', '0:0:0:0:0:0:0:1', 'localhost', 'LOCALHOST'])('%s is this host', (host) => {
  expect(isLoopback(host)).toBe(true);
});

it.each([
  '0.0.0.0',
  '::',
  '10.0.0.1',
  '128.0.0.1',
  'localhost.example.org',
  '127.0.0.1.example.org',
  'gateway',
  '1',
  '',
])('%j may be reached by others', (host) => expect(isLoopback(host)).toBe(false));
