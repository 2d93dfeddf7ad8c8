import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as a server saw it. */
export interface SeenRequest {
  readonly host: 'hub' | 'cdn';
  readonly method: string;
  readonly url: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export interface FixtureFile {
  readonly content: Buffer;
  /** LFS files live on the CDN, others on the hub itself. */
  readonly lfs: boolean;
}

/**
 * A Hugging Face hub and its CDN on two ports, with the answers of the real ones: the API's file list, HEAD with
 * `X-Linked-*` on a redirect to the CDN, git blob ids as ETag, ranges, 401 and 404 with `X-Error-Code`.
 */
export class HubServer {
  readonly requests: SeenRequest[] = [];
  /** Answers of the CDN are cut after so many bytes, one entry per GET; null leaves one whole. */
  readonly cuts: (number | null)[] = [];
  /** Statuses that the hub answers with before it works, one entry per request. */
  readonly faults: { status: number; headers?: Record<string, string> }[] = [];
  ignoresRange = false;
  /** Sends headers and some bytes, then nothing. */
  stalls = false;
  requiredToken: string | null = null;
  /** What the CDN serves instead of a file's content. */
  servedInstead: Buffer | null = null;
  endpoint = '';
  readonly commit = 'c0ffee'.padEnd(40, '0');
  readonly #files = new Map<string, FixtureFile>();
  readonly #hub = createServer((request, response) => this.#answerHub(request, response));
  readonly #cdn = createServer((request, response) => this.#answerCdn(request, response));

  constructor(readonly repo: string) {}

  async start(): Promise<this> {
    await Promise.all(
      [this.#hub, this.#cdn].map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done))),
    );
    this.endpoint = originOf(this.#hub);
    return this;
  }

  async stop(): Promise<void> {
    await Promise.all(
      [this.#hub, this.#cdn].map((server) => {
        server.closeAllConnections();
        return new Promise((done) => server.close(done));
      }),
    );
  }

  add(path: string, content: Buffer, lfs = true): void {
    this.#files.set(path, { content, lfs });
  }

  /** Ranges of the GETs that the CDN saw, '' for a whole file. */
  get cdnRanges(): string[] {
    return this.requests
      .filter(({ host, method }) => host === 'cdn' && method === 'GET')
      .map(({ range }) => range ?? '');
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): void {
    this.#record('hub', request);
    const fault = this.faults.shift();
    if (fault !== undefined) return void response.writeHead(fault.status, fault.headers).end();
    if (this.requiredToken !== null && request.headers.authorization !== `Bearer ${this.requiredToken}`) {
      return refuse(response, 401, 'RepoNotFound', 'Repository not found');
    }
    const url = decodeURIComponent(request.url ?? '');
    const api = /^\/api\/models\/(.+)\/revision\/([^/?]+)/.exec(url);
    const file = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(url);
    const [, repo, revision, path] = api ?? file ?? [];
    // The hub redirects the old name of a renamed repository, with a relative address.
    if (repo === 'old/name')
      return void response.writeHead(307, { location: (request.url ?? '').replace(repo, this.repo) }).end();
    if (repo !== this.repo) return refuse(response, 404, 'RepoNotFound', 'Repository not found');
    if (revision !== 'main' && revision !== this.commit) {
      return refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    }
    if (path === undefined) {
      const siblings = [...this.#files.keys()].map((rfilename) => ({ rfilename }));
      return void response.writeHead(200).end(JSON.stringify({ id: repo, sha: this.commit, siblings }));
    }
    const found = this.#files.get(path);
    if (found === undefined) return refuse(response, 404, 'EntryNotFound', 'Entry not found');
    const { content, lfs } = found;
    response.setHeader('x-repo-commit', this.commit);
    if (lfs) {
      response.setHeader('x-linked-size', content.length);
      response.setHeader('x-linked-etag', `"${createHash('sha256').update(content).digest('hex')}"`);
      const location = `${originOf(this.#cdn)}/blob/${encodeURIComponent(path)}?signature=1`;
      return void response.writeHead(302, { location }).end();
    }
    response.setHeader(
      'etag',
      `"${createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')}"`,
    );
    response.writeHead(200, { 'content-length': content.length }).end(request.method === 'HEAD' ? undefined : content);
  }

  #answerCdn(request: IncomingMessage, response: ServerResponse): void {
    this.#record('cdn', request);
    const path = decodeURIComponent(/^\/blob\/([^?]+)/.exec(request.url ?? '')?.[1] ?? '');
    const content = this.servedInstead ?? this.#files.get(path)?.content;
    if (content === undefined) return void response.writeHead(404).end();
    const start = this.ignoresRange ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start >= content.length) {
      return void response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    }
    const body = content.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': body.length,
      etag: '"of-the-cdn"',
      ...(start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    });
    const cutBytes = this.cuts.shift() ?? null;
    if (this.stalls) return void response.write(body.subarray(0, 1));
    if (cutBytes === null) return void response.end(body);
    response.write(body.subarray(0, cutBytes), () => setTimeout(() => response.destroy(), 20));
  }

  #record(host: 'hub' | 'cdn', { method = '', url = '', headers }: IncomingMessage): void {
    this.requests.push({ host, method, url, range: headers.range, authorization: headers.authorization });
  }
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'x-error-code': code, 'x-error-message': message }).end(message);
}
