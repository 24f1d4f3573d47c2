export * from 'rxjs-resilience';
