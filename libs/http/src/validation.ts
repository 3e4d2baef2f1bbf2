import { ValidationPipe, type ValidationError } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';

/** Checks DTOs with class-validator; of every field the failure that was declared first becomes part of the reason. */
export const validationPipe = (): ValidationPipe =>
  new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true, exceptionFactory: (errors) => new ContractError('invalid_request', errors.flatMap((error) => reasons(error)).join('; ')) });

function reasons(error: ValidationError, path = ''): string[] {
  // class-validator lists them from the last decorator to the first; the first is the type, and what has the wrong type need not hear of its length.
  const own = Object.values(error.constraints ?? {}).at(-1);
  const children = (error.children ?? []).flatMap((child) => reasons(child, `${path}${error.property}.`));
  return own === undefined ? children : [`${path}${own}`, ...children];
}
