import { Body, Controller, Get, Headers, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ContractError, type ErrorCode } from '@throughline/contracts';
import { HealthRegistry, Problems } from '@throughline/http';
import { isRejection } from '../domain/rejection.js';
import { resolve } from '../domain/assignment.js';
import type { InferResponse } from '../domain/oip/infer-response.js';
import { LoadedModel } from '../serving/loaded-model.js';
import { ModelFleet } from '../serving/model-fleet.js';
import { InferService } from './infer.service.js';
import { INFER_EXAMPLES, INFER_REQUEST, INFER_RESPONSE, LIVE, METADATA, MODEL_READY, READY, SERVER } from './oip-schemas.js';

const INFER_PROBLEMS: readonly ErrorCode[] = [
  'unknown_model', 'unknown_version', 'schema_invalid', 'wrong_type', 'wrong_shape', 'unknown_input', 'value_forbidden', 'feature_missing', 'message_too_large',
  'model_failed', 'model_not_ready', 'overloaded', 'circuit_open', 'deadline_exceeded', 'conflict',
];

/** The Open Inference Protocol v2, as KServe, Triton and MLServer clients speak it. */
@ApiTags('Open Inference Protocol v2')
@Controller('v2')
export class InferenceProtocolController {
  constructor(
    private readonly service: InferService,
    private readonly fleet: ModelFleet,
    private readonly health: HealthRegistry,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Server metadata' })
  @ApiOkResponse({ schema: SERVER })
  server(): object {
    return { name: 'throughline', version: '0.1.0', extensions: [] };
  }

  @Get('health/live')
  @ApiOperation({ summary: 'Whether the server runs' })
  @ApiOkResponse({ schema: LIVE })
  live(): object {
    return { live: true };
  }

  @Get('health/ready')
  @ApiOperation({ summary: 'Whether every champion is warm and the brokers answer' })
  @ApiOkResponse({ schema: READY })
  @Problems('model_not_ready')
  async ready(): Promise<object> {
    const { status, checks } = await this.health.report();
    if (status === 'ok') return { ready: true };
    const reasons = Object.entries(checks).flatMap(([name, { reason }]) => (reason === undefined ? [] : [`${name}: ${reason}`]));
    throw new ContractError('model_not_ready', [status, ...reasons].join('; '));
  }

  @Get(['models/:model', 'models/:model/versions/:version'])
  @ApiOperation({ summary: 'Model metadata' })
  @ApiOkResponse({ schema: METADATA })
  @Problems('unknown_model', 'unknown_version', 'model_not_ready')
  metadata(@Param('model') model: string, @Param('version') version?: string): object {
    const { signature, version: answering } = this.served(model, version);
    const versions = version === undefined ? [...this.fleet.assignment(model)!.versions.keys()] : [answering];
    const { inputs, outputs, features, entities } = signature;
    return { name: model, versions, platform: 'onnx_onnxv1', inputs, outputs, parameters: { features, entities } };
  }

  @Get(['models/:model/ready', 'models/:model/versions/:version/ready'])
  @ApiOperation({ summary: 'Whether a model is warm' })
  @ApiOkResponse({ schema: MODEL_READY })
  @Problems('unknown_model', 'unknown_version', 'model_not_ready')
  modelReady(@Param('model') model: string, @Param('version') version?: string): object {
    this.served(model, version);
    return { name: model, ready: true };
  }

  @Post(['models/:model/infer', 'models/:model/versions/:version/infer'])
  @HttpCode(200)
  @ApiOperation({ summary: 'Score rows', description: 'One tensor [n, F] of the model’s input, or a tensor [n] or [n, 1] per feature; absent features come from the feature store. A version in the path is pinned.' })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'copies of a request with the same key are one prediction', example: '7f1c0b52', schema: { type: 'string', minLength: 1, maxLength: 200 } })
  @ApiBody({ schema: INFER_REQUEST, examples: INFER_EXAMPLES })
  @ApiOkResponse({ schema: INFER_RESPONSE })
  @Problems(...INFER_PROBLEMS)
  infer(@Param('model') model: string, @Param('version') version: string | undefined, @Headers() headers: Record<string, string | undefined>, @Body() body: unknown): Promise<InferResponse> {
    return this.service.infer({ model, version, traceparent: headers['traceparent'], idempotencyKey: headers['idempotency-key'] }, body);
  }

  private served(model: string, version: string | undefined): LoadedModel {
    const resolution = resolve(this.fleet.assignment(model), model, version);
    if (isRejection(resolution)) throw new ContractError(resolution.code, resolution.reason, { cure: resolution.cure });
    return resolution.served;
  }
}
