import { ValidationPipe, type ValidationError } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';

/** Checks DTOs with class-validator; the first failure of every field becomes part of the reason. */
export const validationPipe = (): ValidationPipe =>
  new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true, exceptionFactory: (errors) => new ContractError('invalid_request', errors.flatMap((error) => reasons(error)).join('; ')) });

function reasons(error: ValidationError, path = ''): string[] {
  const own = Object.values(error.constraints ?? {})[0];
  const children = (error.children ?? []).flatMap((child) => reasons(child, `${path}${error.property}.`));
  return own === undefined ? children : [`${path}${own}`, ...children];
}
