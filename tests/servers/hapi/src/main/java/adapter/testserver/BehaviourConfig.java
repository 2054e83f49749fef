package adapter.testserver;

import ca.uhn.fhir.batch2.maintenance.JobMaintenanceServiceImpl;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.subscription.match.deliver.email.IEmailSender;
import org.hl7.fhir.dstu2.model.Subscription.SubscriptionChannelType;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** How the server behaves towards a client. */
@Configuration
class BehaviourConfig {

    @Bean
    JpaStorageSettings storageSettings() {
        var settings = new JpaStorageSettings();
        // A test loads what it needs in any order and refers to what it does not need.
        settings.setEnforceReferentialIntegrityOnWrite(false);
        settings.setEnforceReferentialIntegrityOnDelete(false);
        settings.setAllowExternalReferences(true);
        settings.setAllowInlineMatchUrlReferences(true);
        settings.setAllowMultipleDelete(true);
        settings.setDeleteEnabled(true);
        settings.setExpungeEnabled(true);
        // PUT /Claim/1 is refused otherwise: HAPI keeps all-digit ids for itself.
        settings.setResourceClientIdStrategy(JpaStorageSettings.ClientIdStrategyEnum.ANY);
        // HAPI needs this with the strategy above, so that its own ids cannot collide with a client's.
        settings.setResourceServerIdStrategy(JpaStorageSettings.IdStrategyEnum.UUID);
        // A search must see what was written just before it.
        settings.setReuseCachedSearchResultsForMillis(null);
        // Each $export is a new job, even when an equal one was asked for before.
        settings.setEnableBulkExportJobReuse(false);
        return settings;
    }

    @Bean
    SubscriptionSettings subscriptionSettings(
            @Value("${testserver.notification-interval-millis}") long notificationInterval) {
        var settings = new SubscriptionSettings();
        settings.addSupportedSubscriptionType(SubscriptionChannelType.RESTHOOK);
        // A timer carries the changes from the database to the matcher, every five seconds unless told.
        // SubscriptionChangeQueuedImmediately is no substitute: it skips the timer only for changes of Subscription
        // itself, and overtakes the transaction, so that activation fails at first and is tried again a second later.
        settings.setSubscriptionIntervalInMs(notificationInterval);
        return settings;
    }

    @Bean
    PartitionSettings partitionSettings() {
        return new PartitionSettings();
    }

    /** HAPI insists on a sender although the e-mail channel is off. */
    @Bean
    IEmailSender emailSender() {
        return details -> {};
    }

    /**
     * Batch jobs move on only when this service passes by, once a minute unless told. It has no property for that,
     * and the interval must be set before the scheduler asks for it.
     */
    @Bean
    static BeanPostProcessor quickJobs(@Value("${testserver.job-interval-millis}") long interval) {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessAfterInitialization(Object bean, String name) {
                if (bean instanceof JobMaintenanceServiceImpl maintenance) {
                    maintenance.setScheduledJobFrequencyMillis(interval);
                }
                return bean;
            }
        };
    }
}
