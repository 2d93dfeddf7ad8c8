import type { TraceAttributes } from '../request-trace.js';
import { SCOPE_NAME } from '../recording/read-span.js';
import type { RingReader } from '../recording/ring-reader.js';
import type { SharedControl } from '../recording/shared-control.js';
import { encodeResource, encodeScope } from './encode-resource.js';
import { SpanEncoder } from './encode-span.js';
import { EpochTimes } from './epoch-times.js';
import { type AttributeNames, FurtherNames } from './further-names.js';
import { ProtobufWriter } from './protobuf-writer.js';
import type { SpanLimits } from './span-limits.js';
import { VERSION } from './version.js';

const RESOURCE_SPANS = 0x0a;
const SCOPE_SPANS = 0x12;
const SPANS = 0x12;

interface ScopeSpans {
  /** Field `scope` of a ScopeSpans. */
  readonly scope: Uint8Array;
  readonly out: ProtobufWriter;
}

/** Collects spans of rings into one ExportTraceServiceRequest. */
export class OtlpBatch {
  readonly #encoder: SpanEncoder;
  readonly #resource: Uint8Array;
  readonly #own: ScopeSpans = { scope: encodeScope(SCOPE_NAME, VERSION), out: new ProtobufWriter() };
  readonly #others = new Map<string, ScopeSpans>();
  #spans = 0;

  /**
   * @param names further names of attributes
   * @param limits the specification's if not given
   */
  constructor(
    control: SharedControl,
    resource: TraceAttributes,
    names: AttributeNames | null = null,
    limits?: SpanLimits,
  ) {
    const furtherNames = names === null ? null : new FurtherNames(names);
    this.#encoder = new SpanEncoder(new EpochTimes(control), furtherNames, limits);
    this.#resource = encodeResource(resource);
  }

  get spans(): number {
    return this.#spans;
  }

  /** @param word of the span's record */
  add(ring: RingReader, word: number): void {
    const scope = ring.i32[word * 2 + 18]!;
    const { out } = scope < 0 ? this.#own : this.#scope(ring.nameOf(scope));
    this.#encoder.encode(ring, word, out, SPANS);
    this.#spans++;
  }

  /** The request; the next one begins empty. */
  take(): Uint8Array {
    const scopes = [this.#own, ...this.#others.values()].filter(({ out }) => out.length > 0);
    const size = (scope: ScopeSpans): number => scope.scope.length + scope.out.length;
    const request = new ProtobufWriter(
      scopes.reduce((sum, scope) => sum + size(scope) + 8, this.#resource.length + 16),
    );
    request.byte(RESOURCE_SPANS);
    const begun = request.begin();
    append(request, this.#resource);
    for (const each of scopes) {
      request.byte(SCOPE_SPANS);
      request.varint(size(each));
      append(request, each.scope);
      append(request, each.out.bytes.subarray(0, each.out.length));
      each.out.length = 0;
    }
    request.end(begun);
    this.#spans = 0;
    return request.bytes.subarray(0, request.length);
  }

  #scope(name: string): ScopeSpans {
    let scope = this.#others.get(name);
    if (scope === undefined)
      this.#others.set(name, (scope = { scope: encodeScope(name, ''), out: new ProtobufWriter() }));
    return scope;
  }
}

function append(out: ProtobufWriter, bytes: Uint8Array): void {
  out.bytes.set(bytes, out.length);
  out.length += bytes.length;
}
