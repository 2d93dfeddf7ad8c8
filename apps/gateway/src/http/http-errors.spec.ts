import { BadRequestException, InternalServerErrorException, NotFoundException } from '@nestjs/common';
import { bodyError, httpError } from './http-errors.js';

it.each([
  [new NotFoundException('Cannot GET /x'), 404, 'unknown_url'],
  [new BadRequestException('why'), 400, null],
  [new InternalServerErrorException('secret'), 500, 'internal_error'],
])('%s is answered with %d %s', (error, status, code) => {
  const answer = httpError(error, 'GET', '/x');
  expect(answer).toMatchObject({ status, code });
  expect(answer.message).not.toContain('secret');
});

it.each([
  [413, 'entity.too.large', 413, 'request_too_large'],
  [400, 'entity.parse.failed', 400, 'invalid_json'],
  [415, 'charset.unsupported', 415, 'invalid_body'],
  [undefined, undefined, 500, 'internal_error'],
])('a body parser error %s %s is answered with %d %s', (status, type, answered, code) => {
  const error = Object.assign(new Error('why'), { status, type });
  expect(bodyError(error, 10)).toMatchObject({ status: answered, code });
});
