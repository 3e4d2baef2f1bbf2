import { Module, type CallHandler, type DynamicModule, type ExecutionContext, type NestInterceptor, type OnApplicationShutdown } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { catchError, throwError, type Observable } from 'rxjs';
import { DataSource } from 'typeorm';
import { openDatabase, type DatabaseOptions } from './data-source.js';
import { mapDatabaseError } from './errors.js';

/** What typeorm throws past `query` and `inTransaction` is no defect either when the database is away. */
class UnavailableInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError((error: unknown) => throwError(() => mapDatabaseError(error))));
  }
}

/** Provides typeorm's `DataSource` on the service's own migrated schema, everywhere, and answers `unavailable` over HTTP while the database is. */
@Module({})
export class DbModule implements OnApplicationShutdown {
  constructor(private readonly dataSource: DataSource) {}

  static forRoot(options: DatabaseOptions): DynamicModule {
    return {
      module: DbModule,
      global: true,
      providers: [{ provide: DataSource, useFactory: () => openDatabase(options) }, { provide: APP_INTERCEPTOR, useClass: UnavailableInterceptor }],
      exports: [DataSource],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}
