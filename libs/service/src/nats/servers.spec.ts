import { serversForPeople, serversOf } from './servers.js';

describe('serversOf', () => {
  it('splits a list', () => {
    expect(serversOf('nats://a:1, nats://b:2')).toEqual({ servers: ['nats://a:1', 'nats://b:2'] });
  });

  it('takes user and password out of the addresses', () => {
    expect(serversOf('nats://a:1,nats://u%40x:p%3Aq:r@b:2')).toEqual({
      servers: ['nats://a:1', 'nats://b:2'],
      user: 'u@x',
      pass: 'p:q:r',
    });
    expect(serversOf('u:p@[::1]:4222')).toEqual({ servers: ['[::1]:4222'], user: 'u', pass: 'p' });
  });

  it('shows people no password', () => {
    expect(serversForPeople('nats://u:p@a:1,nats://b:2')).toBe('nats://a:1, nats://b:2');
  });
});
