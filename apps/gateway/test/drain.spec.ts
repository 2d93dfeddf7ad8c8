import { MODEL } from './fake-peer.js';
import { eventually, GatewayFixture } from './fixture.js';

const body = JSON.stringify({
  model: MODEL,
  messages: [{ role: 'user', content: 'Hi' }],
  max_tokens: 50,
  stream: true,
});

describe('SIGTERM', () => {
  it('lets running requests finish, and takes no new ones', async () => {
    const fixture = await GatewayFixture.start();
    try {
      const { decode } = await fixture.addWorkers();
      decode.holdAt = 3;
      const running = await fixture.post(body);
      fixture.gateway.kill('SIGTERM');
      await eventually(async () => (await fetch(`${fixture.url}/health/ready`)).status === 503, 'it drains');
      const refused = await fixture.post(body);
      expect([refused.status, refused.headers.get('connection')]).toEqual([503, 'close']);
      expect(await refused.json()).toMatchObject({ error: { code: 'draining' } });
      expect(fixture.gateway.isRunning).toBe(true);
      decode.holdAt = Infinity;
      expect((await running.text()).split('\n\n').at(-2)).toBe('data: [DONE]');
      expect(await fixture.gateway.exited).toMatchObject({ code: 0, signal: null });
    } finally {
      await fixture.stop();
    }
  });

  it('ends what still runs at the limit, with an error the client sees', async () => {
    const fixture = await GatewayFixture.start({ SLICEWAY_DRAIN_TIMEOUT_MS: '300' });
    try {
      const { decode } = await fixture.addWorkers();
      decode.holdAt = 3;
      const running = await fixture.post(body);
      fixture.gateway.kill('SIGTERM');
      expect((await running.text()).split('\n\n').at(-2)).toContain('"code":"draining"');
      expect(await fixture.gateway.exited).toMatchObject({ code: 0 });
      const { rid } = decode.legs.at(-1)!.leg;
      await eventually(() => decode.abortsOf(rid).length === 1, 'decode hears of it');
      expect(decode.abortsOf(rid)).toMatchObject([{ reason: 'shutting_down' }]);
    } finally {
      await fixture.stop();
    }
  });
});
