import { ContractError, type ErrorCode } from '@throughline/contracts';

/** What a child that ends in a refusal tells the process that started it. */
export interface Refusal {
  code: ErrorCode;
  reason: string;
  cure: string;
}

export async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Errors of the closed list are told; what else is thrown ends the child, which tells as well. */
export async function attempt<T>(work: () => T | Promise<T>): Promise<T | Refusal> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof ContractError) return { code: thrown.code, reason: thrown.message, cure: thrown.cure };
    throw thrown;
  }
}
