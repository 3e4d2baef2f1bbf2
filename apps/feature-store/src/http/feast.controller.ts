import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { Problems } from '@throughline/http';
import { histogram, METRICS } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import { SETTINGS, type FeatureStoreSettings } from '../config.js';
import { answerOnlineFeatures, planOnlineFeatures, type OnlineResponse, type ViewLookup } from '../domain/online-features.js';
import { eventsOfPush } from '../domain/push.js';
import { readCurrent } from '../store/entity-states.js';
import { FeatureWriter } from '../store/feature-writer.js';
import { ViewStore, type StoredView } from '../store/view-store.js';
import { ONLINE_REQUEST, ONLINE_RESPONSE, PUSH_REQUEST, PUSH_RESPONSE } from './feast-schemas.js';
import { readOnlineRequest, readPushRequest } from './feast-requests.js';

/** The feature server in Feast's words. */
@ApiTags('online features')
@Controller()
export class FeastController {
  private readonly seconds = histogram(METRICS.onlineFeaturesSeconds);

  constructor(
    private readonly dataSource: DataSource,
    private readonly views: ViewStore,
    private readonly writer: FeatureWriter,
    @Inject(SETTINGS) private readonly settings: FeatureStoreSettings,
  ) {}

  @Post('get-online-features')
  @HttpCode(200)
  @ApiOperation({ summary: 'Current values, columnar: entity columns first; a status and an event time each' })
  @ApiBody({ schema: ONLINE_REQUEST })
  @ApiOkResponse({ schema: ONLINE_RESPONSE })
  @Problems('not_found')
  async getOnlineFeatures(@Body() body: unknown): Promise<OnlineResponse> {
    const startedMs = performance.now();
    const request = readOnlineRequest(body, Date.now());
    const plan = planOnlineFeatures(request, lookupIn(await this.views.all()));
    const answer = answerOnlineFeatures(request, plan, await readCurrent(this.dataSource, plan.keys));
    this.seconds.record((performance.now() - startedMs) / 1000);
    return answer;
  }

  @Post('push')
  @HttpCode(200)
  @ApiOperation({ summary: 'Count rows as events of the push source; answers once they can be read' })
  @ApiBody({ schema: PUSH_REQUEST })
  @ApiOkResponse({ schema: PUSH_RESPONSE })
  @Problems('not_found')
  async push(@Body() body: unknown): Promise<{ status: 'ok'; applied: number; late: number }> {
    const { source, frame } = readPushRequest(body);
    const views = (await this.views.all()).filter(({ definition }) => definition.features.some(({ event }) => event === source));
    const entityTypes = [...new Set(views.map(({ definition }) => definition.entityType))];
    if (entityTypes.length === 0) throw new ContractError('not_found', `no feature view aggregates events called ${source}`);
    const given = entityTypes.filter((entityType) => frame[entityType] !== undefined);
    const latestMs = Date.now() + this.settings.FEATURES_MAX_FUTURE_SECONDS * 1000;
    const events = (given.length > 0 ? given : entityTypes).flatMap((entityType) => eventsOfPush(source, entityType, frame, latestMs));
    const { applied, late } = await this.writer.applyPush(events);
    return { status: 'ok', applied, late };
  }
}

/** Newest version first, so that the first of a name is its latest. */
const lookupIn = (views: readonly StoredView[]): ViewLookup => (name, version) =>
  views.find(({ definition }) => definition.name === name && (version === undefined || definition.version === version))?.definition;
