import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { parseHeartbeat, subjects } from '@sliceway/protocol';
import { PeerRegistry } from './peer-registry.js';

@Controller()
export class HeartbeatController {
  constructor(private readonly peers: PeerRegistry) {}

  @EventPattern(subjects.heartbeat)
  onHeartbeat(@Payload() message: unknown): void {
    this.peers.take(parseHeartbeat(message));
  }
}
