import { Body, Controller, Get, HttpCode, Put, Query, UseGuards } from '@nestjs/common';
import { parseTraceLevelReply, ROLES, subjects, type TraceLevelReply } from '@sliceway/protocol';
import { MessageClient, PeerRegistry } from '@sliceway/service';
import { ApiError } from '../openai/api-error.js';
import { AdminGuard } from './admin.guard.js';

/** For the slowest of a cluster that lives; who has not answered by then is named. */
const ACKNOWLEDGED_MS = 2000;
const MAX_LEVEL = 3;

/** Who has the level now, and which of the services that should have did not answer. */
interface Acknowledgement {
  readonly level: number;
  readonly acknowledged: readonly Omit<TraceLevelReply, 'level'>[];
  readonly missing: readonly Omit<TraceLevelReply, 'level'>[];
}

/** What operators do to the whole cluster. */
@Controller()
@UseGuards(AdminGuard)
export class AdminController {
  constructor(
    private readonly messages: MessageClient,
    private readonly peers: PeerRegistry,
  ) {}

  @Put('admin/trace-level')
  @HttpCode(200)
  put(@Body() body: unknown): Promise<Acknowledgement> {
    return this.#setLevel((body as { level?: unknown } | undefined)?.level);
  }

  /** As SGLang has it. */
  @Get('set_trace_level')
  get(@Query('level') level: unknown): Promise<Acknowledgement> {
    return this.#setLevel(typeof level === 'string' && /^\d$/.test(level) ? Number(level) : level);
  }

  async #setLevel(level: unknown): Promise<Acknowledgement> {
    if (!Number.isInteger(level) || (level as number) < 0 || (level as number) > MAX_LEVEL) {
      throw new ApiError(400, `level must be an integer from 0 to ${MAX_LEVEL}.`, { param: 'level' });
    }
    const expected = ROLES.flatMap((role) => this.peers.list(role, null).map(({ instance }) => ({ role, instance })));
    const acknowledged: Omit<TraceLevelReply, 'level'>[] = [];
    const missing = new Map(expected.map((each) => [each.instance, each]));
    // One that this gateway does not know yet may answer, too.
    const onReply = (reply: unknown): boolean => {
      const { role, instance } = parseTraceLevelReply(reply);
      acknowledged.push({ role, instance });
      missing.delete(instance);
      return missing.size === 0;
    };
    await this.messages.requestAll(subjects.traceLevel, { level }, { timeoutMs: ACKNOWLEDGED_MS, onReply });
    return { level: level as number, acknowledged, missing: [...missing.values()] };
  }
}
