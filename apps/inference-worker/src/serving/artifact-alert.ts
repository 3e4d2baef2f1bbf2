import type { AlertRaised, ContractError, ErrorCode } from '@throughline/contracts';
import { v5 as uuidv5 } from 'uuid';
import type { LoadFailure } from './model-slot.js';

const ALERT_NAMESPACE = '5d2f5f0c-3f27-5b0c-9a35-1b9a9a1c7e42';

/** What goes by itself, or says nothing of the artifact: a defect of ours, too. */
const NO_FAULT = new Set<ErrorCode>(['internal', 'unavailable', 'model_not_ready', 'overloaded']);

/** Whether it is the artifact that is at fault, so that waiting will not help. */
export const isArtifactFault = ({ code }: ContractError): boolean => !NO_FAULT.has(code);

/** The alert that a version cannot be served; the same for every attempt and every worker. */
export function artifactAlert({ deployment, version: { version, artifactSha256, sizeBytes }, error, servedBy }: LoadFailure, nowMs: number): AlertRaised {
  const { model, revision, champion } = deployment;
  const isChampion = champion?.version === version;
  const instead = servedBy === undefined ? 'nobody answers in its place' : `version ${servedBy} answers`;
  return {
    alertId: uuidv5(JSON.stringify(['artifact', model, version, artifactSha256]), ALERT_NAMESPACE),
    model,
    version,
    kind: 'artifact',
    tier: isChampion ? 'alarm' : 'warn',
    subject: error.code,
    summary: `Version ${version} of “${model}” cannot be loaded, ${instead}: ${error.message}`,
    evidence: { revision, sizeBytes },
    raisedAt: new Date(nowMs).toISOString(),
  };
}
