import { Controller, Get, Param } from '@nestjs/common';
import { modelNotFound, notReady } from '../openai/api-errors.js';
import { modelList, modelObject } from '../openai/models.js';
import { Router } from '../routing/router.js';

/** OpenAI's list of models: those that a tokenizer, a prefill and a decode worker serve now. */
@Controller('v1/models')
export class ModelsController {
  constructor(private readonly router: Router) {}

  @Get()
  list() {
    return modelList(this.router.models());
  }

  /** Names of models have slashes. */
  @Get('*name')
  one(@Param('name') name: string | string[]) {
    const wanted = Array.isArray(name) ? name.join('/') : name;
    const models = this.router.models();
    const model = models.find((candidate) => candidate.name === wanted);
    if (model !== undefined) return modelObject(model);
    if (models.length === 0) throw notReady('no model is served yet');
    throw modelNotFound(
      wanted,
      models.map((candidate) => candidate.name),
    );
  }
}
